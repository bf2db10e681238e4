/* online.c: the shortest program that is linked against the library instead of loading it.
 *
 *     cc online.c $(pkg-config --cflags --libs certadm) -o online
 *     online [SERVER]
 *
 * Exit code: 0 the CA serves, 1 it is suspended, 2 it does not run or cannot be reached.
 */
#include "load.h"

int main(int count, char **arguments) {
    WCHAR *server = wide_of(count > 1 ? arguments[1] : "localhost");
    if (server == NULL) {
        fprintf(stderr, "the name of the server is not UTF-8\n");
        return 2;
    }
    BOOL online = FALSE;
    HRESULT code = CertSrvIsServerOnline(server, &online);
    free(server);
    printf("0x%08X %s\n", (unsigned)code, FAILED(code) ? "offline" : online ? "online" : "suspended");
    return FAILED(code) ? 2 : online ? 0 : 1;
}

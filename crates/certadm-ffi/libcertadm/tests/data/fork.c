/* A child of fork() has its parent's handle and none of its threads: every call must be refused, and none may touch the session
 * of the parent. A session of its own works.
 */
#include "load.h"

#include <sys/wait.h>
#include <unistd.h>

static int child(const Certadm *api, const WCHAR *server, HCSBC parents) {
    const HRESULT no_handle = (HRESULT)0x80070006u;
    WCHAR *list = NULL;
    DWORD size = 0;
    BOOL online = FALSE;
    int right = api->BackupGetDatabaseNames(parents, &list, &size) == no_handle;
    right &= api->BackupEnd(parents) == no_handle;
    right &= api->IsServerOnline(server, &online) == S_OK && online;
    return right ? 0 : 1;
}

int main(int count, char **arguments) {
    Certadm api;
    HCSBC handle = NULL;
    WCHAR *list = NULL;
    DWORD size = 0;
    int status = -1;
    if (count != 3 || !certadm_load(&api, arguments[1])) {
        return 2;
    }
    WCHAR *server = wide_of(arguments[2]);
    int right = server != NULL && api.BackupPrepare(server, 0, CSBACKUP_TYPE_FULL, &handle) == S_OK;
    fflush(stdout);
    pid_t process = fork();
    if (process == 0) {
        _exit(child(&api, server, handle));
    }
    right &= process > 0 && waitpid(process, &status, 0) == process && status == 0;
    right &= api.BackupGetDatabaseNames(handle, &list, &size) == S_OK && size > 0;
    api.BackupFree(list);
    right &= api.BackupEnd(handle) == S_OK;
    free(server);
    certadm_unload(&api);
    return right ? 0 : 1;
}

/* strings.c: what examples/c/load.h makes of strings, names and lists. */
#include "load.h"

static int faults = 0;

static void check(const char *what, int holds) {
    if (!holds) {
        printf("wrong: %s\n", what);
        faults++;
    }
}

/* A string of 16-bit units, without literals: u"" and L"" are not the same for all compilers. */
static WCHAR *units(const unsigned short *values) {
    static WCHAR text[64];
    size_t at = 0;
    do {
        text[at] = (WCHAR)values[at];
    } while (values[at++] != 0);
    return text;
}

static void round_trip(const char *text) {
    WCHAR *wide = wide_of(text);
    char *back = wide == NULL ? NULL : utf8_of(wide);
    check(text, back != NULL && strcmp(back, text) == 0);
    free(back);
    free(wide);
}

static void file_name(const char *path, const char *expected) {
    WCHAR *wide = wide_of(path);
    char *name = file_name_of(wide);
    check(path, name == NULL ? expected == NULL : expected != NULL && strcmp(name, expected) == 0);
    free(name);
    free(wide);
}

int main(void) {
    round_trip("");
    round_trip("ca01.corp.example");
    round_trip("Zertifizierungsstelle \xC3\xA4\xC3\xB6 \xE2\x82\xAC \xF0\x9F\x94\x91");
    const char *not_utf8[] = {"\x80", "a\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                              "\xFF", "\xC3\x28"};
    for (size_t at = 0; at < sizeof not_utf8 / sizeof *not_utf8; at++) {
        WCHAR *wide = wide_of(not_utf8[at]);
        check("not UTF-8", wide == NULL);
        free(wide);
    }
    const unsigned short halves[][3] = {{0xD800, 0}, {0xDC00, 0}, {0xD800, 'a', 0}};
    for (size_t at = 0; at < 3; at++) {
        char *text = utf8_of(units(halves[at]));
        check("half a pair", text == NULL);
        free(text);
    }

    file_name("\\\\ca01\\CertSrv$\\DataBase\\Test CA.db", "Test CA.db");
    file_name("/var/lib/edb00001.log", "edb00001.log");
    file_name("edb.log", "edb.log");
    const char *none[] = {"", "\\\\ca01\\", "..", "a\\..", "a/.", "C:", "a\\b:stream", "a\tb", "a\x1B[2J\\b", "a\x7F"};
    for (size_t at = 0; at < sizeof none / sizeof *none; at++) {
        file_name(none[at], NULL);
    }

    WCHAR two[] = {0x44, 'a', 0, 0x21, 'b', 'c', 0, 0};
    NameList list = {two, sizeof two};
    check("a list", list_is_sound(&list));
    check("the first name", list_next(&list, NULL) == two);
    check("the second name", list_next(&list, two) == two + 3);
    check("the end", list_next(&list, two + 3) == NULL);
    list.bytes = sizeof two - sizeof(WCHAR);
    check("a list without its end", !list_is_sound(&list));
    list.bytes = sizeof two - 1;
    check("half a unit", !list_is_sound(&list));
    WCHAR empty[] = {0, 0};
    NameList nothing = {empty, sizeof empty}, null = {NULL, 0}, none_of_a_size = {NULL, 4};
    check("an empty list", list_is_sound(&nothing) && list_next(&nothing, NULL) == NULL);
    check("no list", list_is_sound(&null) && list_next(&null, NULL) == NULL && !list_is_sound(&none_of_a_size));
    if (faults == 0) {
        printf("ok\n");
    }
    return faults != 0;
}

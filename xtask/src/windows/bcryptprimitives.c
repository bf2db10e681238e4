/* Wine 8 lacks bcryptprimitives.dll, from which Rust's standard library takes its random numbers. For tests under Wine only. */

#include <windows.h>
#include <ntsecapi.h>

BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length)
{
    return RtlGenRandom(bytes, (ULONG)length);
}

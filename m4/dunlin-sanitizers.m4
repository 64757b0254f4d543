# DUNLIN_SANITIZERS
# -----------------
# --enable-sanitizers[=LIST]; the default list is address,undefined.
#
# The library, the plugins and the program must be built alike, so the flags go
# to all of them: SANITIZER_FLAGS for compiling and for linking.  A finding ends
# the program, so that a test cannot pass over it.
AC_DEFUN([DUNLIN_SANITIZERS], [
AC_ARG_ENABLE([sanitizers],
  [AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@],
    [build with these sanitizers @<:@address,undefined@:>@])],
  [], [enable_sanitizers=no])
AS_CASE([$enable_sanitizers],
  [no], [dunlin_sanitizers=],
  [yes], [dunlin_sanitizers=address,undefined],
  [dunlin_sanitizers=$enable_sanitizers])
SANITIZER_FLAGS=
AS_IF([test -n "$dunlin_sanitizers"],
  [AX_CHECK_LINK_FLAG([-fsanitize=$dunlin_sanitizers],
    [SANITIZER_FLAGS="-fsanitize=$dunlin_sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer"],
    [AC_MSG_ERROR([this compiler does not link with -fsanitize=$dunlin_sanitizers])])])
AC_SUBST([SANITIZER_FLAGS])
AC_SUBST([dunlin_sanitizers])
AM_CONDITIONAL([SANITIZERS], [test -n "$dunlin_sanitizers"])
])

# DUNLIN_FUZZERS
# --------------
# --enable-fuzzers: fuzz/fuzz_* become libFuzzer programs (clang).  Without it
# they are linked with a main() that replays files.
AC_DEFUN([DUNLIN_FUZZERS], [
AC_ARG_ENABLE([fuzzers],
  [AS_HELP_STRING([--enable-fuzzers], [build fuzz/ with libFuzzer; needs clang])],
  [], [enable_fuzzers=no])
FUZZER_CFLAGS= FUZZER_LIBS=
AS_IF([test "$enable_fuzzers" = yes],
  [AX_CHECK_COMPILE_FLAG([-fsanitize=fuzzer-no-link],
    [FUZZER_CFLAGS=-fsanitize=fuzzer-no-link FUZZER_LIBS=-fsanitize=fuzzer],
    [AC_MSG_ERROR([--enable-fuzzers needs a compiler with -fsanitize=fuzzer: try CC=clang])])],
  [test "$enable_fuzzers" != no],
  [AC_MSG_ERROR([--enable-fuzzers takes yes or no, not '$enable_fuzzers'])])
AC_SUBST([FUZZER_CFLAGS])
AC_SUBST([FUZZER_LIBS])
AM_CONDITIONAL([FUZZERS], [test "$enable_fuzzers" = yes])
])

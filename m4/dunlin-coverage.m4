# DUNLIN_COVERAGE
# ---------------
# --enable-coverage: gcov counters in everything that is built.  Call it before
# AC_PROG_CC: it makes -O0 the default of CFLAGS, so that lines are counted as
# they are written; CFLAGS given by the user stay.
#
# Not AX_CODE_COVERAGE: its makefile fragment does not pass automake's -Wall
# -Werror.
AC_DEFUN([DUNLIN_COVERAGE], [
AC_BEFORE([$0], [AC_PROG_CC])
AC_ARG_ENABLE([coverage],
  [AS_HELP_STRING([--enable-coverage], [count executed lines with gcov])],
  [], [enable_coverage=no])
COVERAGE_FLAGS=
AS_CASE([$enable_coverage],
  [yes], [COVERAGE_FLAGS="--coverage -fprofile-update=atomic"
          : ${CFLAGS="-g -O0"}],
  [no], [],
  [AC_MSG_ERROR([--enable-coverage takes yes or no, not '$enable_coverage'])])
AC_SUBST([COVERAGE_FLAGS])
AC_CHECK_TOOL([GCOV], [gcov], [gcov])
AM_CONDITIONAL([COVERAGE], [test "$enable_coverage" = yes])
])

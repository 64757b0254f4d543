# DUNLIN_WARNINGS
# ---------------
# WARNING_CFLAGS: those that this compiler knows.  --enable-werror turns them
# into errors: for those who work on dunlin and for CI, never for a release that
# meets a newer compiler.
AC_DEFUN([DUNLIN_WARNINGS], [
AC_ARG_ENABLE([werror],
  [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])],
  [], [enable_werror=no])
AC_SUBST([WARNING_CFLAGS])
# -Werror while asking, so that a flag which only warns of itself is left out.
# Texts for people go into fixed buffers and are cut there on purpose.
AX_APPEND_COMPILE_FLAGS([-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes dnl
  -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wformat -Wformat-security -Wno-format-truncation -Wvla -Wundef],
  [WARNING_CFLAGS], [-Wall -Werror])
AS_IF([test "$enable_werror" = yes], [AS_VAR_APPEND([WARNING_CFLAGS], [" -Werror"])])
])

# DUNLIN_HARDENING
# ----------------
# HARDENING_CPPFLAGS, HARDENING_CFLAGS and HARDENING_LDFLAGS for everything,
# PIE_CFLAGS and PIE_LDFLAGS for programs.  Call it after DUNLIN_SANITIZERS and
# DUNLIN_FUZZERS.
AC_DEFUN([DUNLIN_HARDENING], [
AC_SUBST([HARDENING_CPPFLAGS])
AC_SUBST([HARDENING_CFLAGS])
AC_SUBST([HARDENING_LDFLAGS])
AC_SUBST([PIE_CFLAGS])
AC_SUBST([PIE_LDFLAGS])
AX_APPEND_COMPILE_FLAGS([-fstack-protector-strong -ffunction-sections -fdata-sections],
  [HARDENING_CFLAGS], [-Werror])
AX_APPEND_LINK_FLAGS([-Wl,-z,relro -Wl,-z,now -Wl,--as-needed -Wl,--gc-sections], [HARDENING_LDFLAGS])
# A plugin that lacks a symbol fails here and not at its users'; a sanitizer's
# symbols are in the program only.
AS_IF([test -z "$dunlin_sanitizers" && test "$enable_fuzzers" != yes],
  [AX_APPEND_LINK_FLAGS([-Wl,-z,defs], [HARDENING_LDFLAGS])])
# Fortified functions hide from the address sanitizer, and without optimisation
# glibc only warns.
AS_IF([test -z "$dunlin_sanitizers"],
  [AC_CACHE_CHECK([whether the compiler optimises], [dunlin_cv_optimises],
    [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#ifndef __OPTIMIZE__
#error no
#endif]])], [dunlin_cv_optimises=yes], [dunlin_cv_optimises=no])])
   AS_IF([test "$dunlin_cv_optimises" = yes],
     [HARDENING_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])])
AX_CHECK_LINK_FLAG([-fPIE -pie], [PIE_CFLAGS=-fPIE PIE_LDFLAGS=-pie])
])

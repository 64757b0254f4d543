# DUNLIN_DRIVER(NAME, PKG-CONFIG-MODULES)
# ---------------------------------------
# A driver plugin behind --enable-driver-NAME=yes|no|auto.  "auto" builds it
# when its client library is there, "yes" insists, anything else is an error.
#
# Sets the conditional DRIVER_NAME, DRIVER_NAME_CFLAGS and DRIVER_NAME_LIBS, and
# adds to the shell variables dunlin_drivers (the names that will be built) and
# dunlin_driver_summary (a line for each).
AC_DEFUN([DUNLIN_DRIVER], [
m4_pushdef([driver_VAR], m4_translit([[$1]], [a-z-], [A-Z_]))
m4_pushdef([driver_enable], [enable_driver_]m4_translit([[$1]], [-], [_]))
AC_REQUIRE([PKG_PROG_PKG_CONFIG])
AC_ARG_ENABLE([driver-$1],
  [AS_HELP_STRING([--enable-driver-$1=yes|no|auto],
    [build the $1 driver; needs $2 @<:@auto@:>@])],
  [], [driver_enable=auto])
AS_CASE([$driver_enable],
  [yes|no|auto], [],
  [AC_MSG_ERROR([--enable-driver-$1 takes yes, no or auto, not '$driver_enable'])])
driver_VAR[]_found=no
AS_IF([test "$driver_enable" != no],
  [PKG_CHECK_MODULES([DRIVER_]driver_VAR, [$2], [driver_VAR[]_found=yes], [driver_VAR[]_found=no])])
AS_IF([test "$driver_enable" = yes && test "$driver_VAR[]_found" = no],
  [AC_MSG_ERROR([--enable-driver-$1=yes, but pkg-config does not find: $2])])
AM_CONDITIONAL([DRIVER_]driver_VAR, [test "$driver_VAR[]_found" = yes])
AS_IF([test "$driver_VAR[]_found" = yes],
  [dunlin_drivers="${dunlin_drivers:+$dunlin_drivers }$1"
   driver_VAR[]_says="yes (`$PKG_CONFIG --modversion "$2" | tr '\n' ' ' | sed 's/ $//'`)"],
  [test "$driver_enable" = no],
  [driver_VAR[]_says="no (disabled)"],
  [driver_VAR[]_says="no (pkg-config does not find: $2)"])
AS_VAR_APPEND([dunlin_driver_summary], ["
    driver $1: $driver_VAR[]_says"])
m4_popdef([driver_enable])
m4_popdef([driver_VAR])
])

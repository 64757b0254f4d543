# DUNLIN_COMPLETION(SHELL, FOLDER)
# --------------------------------
# --with-SHELL-completion-dir: where that shell looks for completions of
# programs.  Sets SHELLcompletiondir.
AC_DEFUN([DUNLIN_COMPLETION], [
AC_ARG_WITH([$1-completion-dir],
  [AS_HELP_STRING([--with-$1-completion-dir=DIR], [folder of $1 completions @<:@$2@:>@])],
  [AS_CASE([$with_$1_completion_dir],
    [/*|'${'*], [],
    [AC_MSG_ERROR([--with-$1-completion-dir takes an absolute folder, not '$with_$1_completion_dir'])])],
  [with_$1_completion_dir='$2'])
AC_SUBST([$1completiondir], [$with_$1_completion_dir])
])

# fuzz/ - a program for each thing that reads what others wrote.
#
# With --enable-fuzzers (clang) they search with libFuzzer:
#     make check TESTS= && fuzz/fuzz_split -max_total_time=60 fuzz/corpus/split
# Without it they are linked with replay.c.  Either way corpus.test runs each on
# the inputs of fuzz/corpus/NAME.

if FUZZERS
fuzz_replay =
else
fuzz_replay = fuzz/libreplay.la
endif
fuzz_ldadd = $(fuzz_replay) libdunlincore.la $(JANSSON_LIBS) $(FUZZER_LIBS)

check_LTLIBRARIES += fuzz/libreplay.la
fuzz_libreplay_la_SOURCES = fuzz/replay.c

# list: fuzz/fuzz_*.c without .c
fuzz_targets = \
	fuzz/fuzz_lex \
	fuzz/fuzz_script \
	fuzz/fuzz_split \
	fuzz/fuzz_sum \
	fuzz/fuzz_url \
	fuzz/fuzz_version
check_PROGRAMS += $(fuzz_targets)
# each: fuzz/fuzz_*.c: fuzz_@_LDADD = $(fuzz_ldadd)
fuzz_fuzz_lex_LDADD = $(fuzz_ldadd)
fuzz_fuzz_script_LDADD = $(fuzz_ldadd)
fuzz_fuzz_split_LDADD = $(fuzz_ldadd)
fuzz_fuzz_sum_LDADD = $(fuzz_ldadd)
fuzz_fuzz_url_LDADD = $(fuzz_ldadd)
fuzz_fuzz_version_LDADD = $(fuzz_ldadd)

TESTS += fuzz/corpus.test
# list: fuzz/*.test fuzz/*.h fuzz/*.dict fuzz/corpus/**
EXTRA_DIST += \
	fuzz/corpus.test \
	fuzz/corpus/lex/empty \
	fuzz/corpus/lex/mariadb-comments \
	fuzz/corpus/lex/mariadb-dollars \
	fuzz/corpus/lex/mariadb-noescape \
	fuzz/corpus/lex/mariadb-slashes \
	fuzz/corpus/lex/mariadb-strings \
	fuzz/corpus/lex/pg-bulk \
	fuzz/corpus/lex/pg-dollars \
	fuzz/corpus/lex/pg-escapes \
	fuzz/corpus/lex/pg-strings \
	fuzz/corpus/lex/sqlite-bulk \
	fuzz/corpus/lex/sqlite-names \
	fuzz/corpus/lex/sqlite-open \
	fuzz/corpus/lex/utf8 \
	fuzz/corpus/script/begin-in-the-middle \
	fuzz/corpus/script/cond-comment \
	fuzz/corpus/script/copy-down \
	fuzz/corpus/script/delimiter \
	fuzz/corpus/script/empty-down \
	fuzz/corpus/script/env-down \
	fuzz/corpus/script/escaped-dollars \
	fuzz/corpus/script/mark-twice \
	fuzz/corpus/script/no-transaction \
	fuzz/corpus/script/only \
	fuzz/corpus/script/own-transaction \
	fuzz/corpus/script/placeholders-down \
	fuzz/corpus/script/placeholders-repeatable \
	fuzz/corpus/script/plain-crlf \
	fuzz/corpus/script/raw \
	fuzz/corpus/script/raw-sqlite \
	fuzz/corpus/script/sections \
	fuzz/corpus/script/statement \
	fuzz/corpus/script/trigger \
	fuzz/corpus/script/unclosed \
	fuzz/corpus/script/values-down \
	fuzz/corpus/script/verify \
	fuzz/corpus/split/bom \
	fuzz/corpus/split/mariadb-command \
	fuzz/corpus/split/mariadb-delimiter \
	fuzz/corpus/split/mariadb-dump \
	fuzz/corpus/split/mariadb-package \
	fuzz/corpus/split/mariadb-routine \
	fuzz/corpus/split/pg-body \
	fuzz/corpus/split/pg-copy \
	fuzz/corpus/split/pg-copy-open \
	fuzz/corpus/split/pg-directives \
	fuzz/corpus/split/pg-dump \
	fuzz/corpus/split/pg-rule \
	fuzz/corpus/split/sqlite-bad \
	fuzz/corpus/split/sqlite-nul \
	fuzz/corpus/split/sqlite-open-comment \
	fuzz/corpus/split/sqlite-raw \
	fuzz/corpus/split/sqlite-trigger \
	fuzz/corpus/split/utf16 \
	fuzz/corpus/sum/conflict \
	fuzz/corpus/sum/crlf \
	fuzz/corpus/sum/cut \
	fuzz/corpus/sum/empty \
	fuzz/corpus/sum/escaped \
	fuzz/corpus/sum/newer \
	fuzz/corpus/sum/nul \
	fuzz/corpus/sum/order \
	fuzz/corpus/sum/total-wrong \
	fuzz/corpus/sum/two \
	fuzz/corpus/url/01 \
	fuzz/corpus/url/02 \
	fuzz/corpus/url/03 \
	fuzz/corpus/url/04 \
	fuzz/corpus/url/05 \
	fuzz/corpus/url/06 \
	fuzz/corpus/url/07 \
	fuzz/corpus/url/08 \
	fuzz/corpus/url/09 \
	fuzz/corpus/url/10 \
	fuzz/corpus/url/11 \
	fuzz/corpus/url/12 \
	fuzz/corpus/url/13 \
	fuzz/corpus/url/14 \
	fuzz/corpus/url/15 \
	fuzz/corpus/url/16 \
	fuzz/corpus/url/17 \
	fuzz/corpus/url/18 \
	fuzz/corpus/url/19 \
	fuzz/corpus/url/20 \
	fuzz/corpus/url/21 \
	fuzz/corpus/url/22 \
	fuzz/corpus/url/23 \
	fuzz/corpus/url/24 \
	fuzz/corpus/url/25 \
	fuzz/corpus/url/26 \
	fuzz/corpus/version/filename \
	fuzz/corpus/version/huge \
	fuzz/corpus/version/odd-bytes \
	fuzz/corpus/version/reference \
	fuzz/corpus/version/semver \
	fuzz/corpus/version/semver-bad \
	fuzz/corpus/version/semver-names \
	fuzz/corpus/version/sequence \
	fuzz/corpus/version/timestamp \
	fuzz/script.dict \
	fuzz/split.dict

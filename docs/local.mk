# docs/ and the texts at the top.

# list: *.md docs/**
EXTRA_DIST += \
	CONTRIBUTING.md \
	NEWS.md \
	README.md \
	docs/architecture.md \
	docs/schema-facts.md \
	docs/writing-a-driver.md

# list: examples/**
EXTRA_DIST += \
	examples/driver/Makefile \
	examples/driver/README.md \
	examples/driver/conn.c \
	examples/driver/dialect.c \
	examples/driver/driver.c \
	examples/driver/error.c \
	examples/driver/lock.c \
	examples/driver/odbc_driver.h \
	examples/driver/snapshot.c \
	examples/driver/statement.c \
	examples/driver/steps.c \
	examples/driver/text.c

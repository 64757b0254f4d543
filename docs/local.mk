# docs/ and the texts at the top.

# list: *.md docs/**
EXTRA_DIST += \
	CONTRIBUTING.md \
	NEWS.md \
	README.md \
	docs/architecture.md \
	docs/schema-facts.md \
	docs/writing-a-driver.md

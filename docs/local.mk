# docs/ and the texts at the top.

# list: *.md docs/**
EXTRA_DIST += \
	docs/architecture.md

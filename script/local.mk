# script/ - for people and for CI.

# list: script/**
EXTRA_DIST += \
	script/demo \
	script/lists \
	script/packages \
	script/servers \
	script/test

/*
 * test_mem.c - the allocator, its switch for failures, and the arena.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "mem.h"
#include "tap.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

static void mem_fails_once_at_the_allocation_asked_for(void)
{
	mem_fail_at(3, 0);
	for (int i = 1; i <= 5; i++) {
		void *p = mem_alloc(1);

		TAP_EQ_INT(p == NULL, i == 3);
		mem_free(p);
	}
	TAP_EQ_INT(mem_count(), 5);
	mem_fail_at(0, 0);
}

static void mem_fails_for_ever_from_the_allocation_asked_for(void)
{
	mem_fail_at(2, 1);
	for (int i = 1; i <= 4; i++) {
		void *p = mem_zalloc(1);

		TAP_EQ_INT(p == NULL, i >= 2);
		mem_free(p);
	}
	mem_fail_at(0, 0);
	TAP_EQ_INT(mem_count(), 0);
}

static void mem_fails_in_each_of_its_calls(void)
{
	char *p = mem_alloc(4);
	char *grown = NULL;
	size_t cap = 0;

	mem_fail_at(1, 1);
	TAP_OK(mem_alloc(1) == NULL);
	TAP_OK(mem_zalloc(1) == NULL);
	TAP_OK(mem_realloc(p, 8) == NULL);
	TAP_OK(mem_strdup("x") == NULL);
	TAP_OK(mem_strndup("x", 1) == NULL);
	TAP_EQ_INT(mem_grow(&grown, &cap, 0, 1), -1);
	TAP_OK(grown == NULL && cap == 0);
	mem_fail_at(0, 0);
	mem_free(p);
	mem_free(NULL);
}

static void mem_allocates_nothing_as_something(void)
{
	void *a = mem_alloc(0), *b = mem_zalloc(0), *c = mem_realloc(NULL, 0);

	TAP_OK(a && b && c);
	mem_free(a);
	mem_free(b);
	mem_free(c);
}

static void mem_zalloc_is_zeroed(void)
{
	static const char zero[4096];
	char *p = mem_zalloc(sizeof zero);

	TAP_EQ_MEM(p, sizeof zero, zero, sizeof zero);
	mem_free(p);
}

static void mem_strndup_copies_bytes_and_ends_them(void)
{
	char *p = mem_strndup("ab\0cd", 4);

	TAP_EQ_MEM(p, 5, "ab\0c", 5);
	mem_free(p);
	p = mem_strndup(NULL, 0);
	TAP_EQ_STR(p, "");
	mem_free(p);
	p = mem_strdup("hello");
	TAP_EQ_STR(p, "hello");
	mem_free(p);
}

static void mem_grow_keeps_what_is_there(void)
{
	int *p = NULL;
	size_t cap = 0, n;

	for (n = 0; n < 1000; n++) {
		if (!TAP_EQ_INT(mem_grow(&p, &cap, n, sizeof *p), 0))
			break;
		p[n] = (int)n;
	}
	TAP_OK(cap >= 1000);
	for (size_t i = 0; i < n; i++)
		if (p[i] != (int)i)
			TAP_EQ_INT(p[i], i);
	mem_free(p);
}

static void mem_grow_refuses_what_no_size_can_hold(void)
{
	char *p = NULL;
	size_t cap = 0;

	TAP_EQ_INT(mem_grow(&p, &cap, SIZE_MAX - 1, 1), -1);
	TAP_EQ_INT(mem_grow(&p, &cap, SIZE_MAX / 4, 16), -1);
	TAP_OK(p == NULL && cap == 0);
}

static void arena_gives_zeroed_aligned_memory_of_any_size(void)
{
	static const char zero[100000];
	struct arena a = { 0 };

	for (size_t n = 0; n < 40000; n = n * 3 + 1) {
		char *p = arena_alloc(&a, n);

		if (!TAP_OK(p != NULL))
			break;
		TAP_EQ_INT((uintptr_t)p % alignof(max_align_t), 0);
		TAP_EQ_MEM(p, n, zero, n);
		memset(p, 0xff, n);
	}
	arena_clear(&a);
	TAP_OK(a.head == NULL);
	TAP_OK(arena_alloc(&a, SIZE_MAX) == NULL);
	TAP_OK(arena_alloc(&a, SIZE_MAX - 7) == NULL);
	/* used again */
	TAP_EQ_STR(arena_strdup(&a, "again"), "again");
	arena_clear(&a);
}

static void arena_makes_text(void)
{
	struct arena a = { 0 };

	TAP_EQ_STR(arena_strdup(&a, ""), "");
	TAP_EQ_STR(arena_strndup(&a, "abc", 2), "ab");
	TAP_EQ_STR(arena_strndup(&a, NULL, 0), "");
	TAP_EQ_STR(arena_printf(&a, "%s-%d", "x", 42), "x-42");
	for (int i = 0; i < 3000; i++) {
		char *p = arena_printf(&a, "%010d", i);

		if (strlen(p) != 10 || p[9] != (char)('0' + i % 10))
			TAP_EQ_STR(p, "ten digits");
	}
	arena_clear(&a);
}

static void arena_survives_allocations_that_fail(void)
{
	struct arena a = { 0 };

	mem_fail_at(1, 1);
	TAP_OK(arena_alloc(&a, 10) == NULL);
	TAP_OK(arena_strdup(&a, "x") == NULL);
	TAP_OK(arena_strndup(&a, "x", 1) == NULL);
	TAP_OK(arena_printf(&a, "%d", 1) == NULL);
	mem_fail_at(0, 0);
	TAP_EQ_STR(arena_strdup(&a, "x"), "x");
	arena_clear(&a);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "mem_fails_once_at_the_allocation_asked_for", mem_fails_once_at_the_allocation_asked_for },
		{ "mem_fails_for_ever_from_the_allocation_asked_for", mem_fails_for_ever_from_the_allocation_asked_for },
		{ "mem_fails_in_each_of_its_calls", mem_fails_in_each_of_its_calls },
		{ "mem_allocates_nothing_as_something", mem_allocates_nothing_as_something },
		{ "mem_zalloc_is_zeroed", mem_zalloc_is_zeroed },
		{ "mem_strndup_copies_bytes_and_ends_them", mem_strndup_copies_bytes_and_ends_them },
		{ "mem_grow_keeps_what_is_there", mem_grow_keeps_what_is_there },
		{ "mem_grow_refuses_what_no_size_can_hold", mem_grow_refuses_what_no_size_can_hold },
		{ "arena_gives_zeroed_aligned_memory_of_any_size", arena_gives_zeroed_aligned_memory_of_any_size },
		{ "arena_makes_text", arena_makes_text },
		{ "arena_survives_allocations_that_fail", arena_survives_allocations_that_fail },
	};

	return tap_main("mem", tests, sizeof tests / sizeof *tests);
}

/*
 * nearest.h - which known word somebody may have meant.
 */
#ifndef DUNLIN_CORE_NEAREST_H
#define DUNLIN_CORE_NEAREST_H

/* The word of the NULL-ended list with the fewest edits from `word` (ASCII
 * case aside), or NULL where none is near; known may be NULL. */
const char *nearest(const char *word, const char *const *known);

#endif

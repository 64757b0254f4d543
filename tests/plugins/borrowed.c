/*
 * borrowed.c - a plugin with no entry of its own, linked with a library that
 * has one: dlsym() would find that.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <dunlin/driver.h>

dunlin_driver_entry_fn dunlin_driver_entry_v1;
DUNLIN_DRIVER_EXPORT dunlin_driver_entry_fn *dunlin_test_borrowed(void);

dunlin_driver_entry_fn *dunlin_test_borrowed(void)
{
	return dunlin_driver_entry_v1;
}

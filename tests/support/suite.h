/* What every test file of Check gives: one suite. */
#ifndef ECHOTIMED_TESTS_SUITE_H
#define ECHOTIMED_TESTS_SUITE_H

#include <check.h>

Suite *etd_suite(void);

#endif

/* Every allocation fails in turn, alone and with all that follow it. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>

static const struct fault_plan out_of_memory = {
    .call = FAULT_ALLOCATION, .error = ENOMEM, .count = 1};

START_TEST(one_allocation_fails)
{
    fault_sweep_plan(out_of_memory, FAULT_PREVENTS | FAULT_HITS_ONE);
}
END_TEST

/* A connection that needs no memory, such as the witness, goes on. */
START_TEST(no_memory_is_left)
{
    struct fault_plan plan = out_of_memory;
    plan.exhausted = true;
    fault_sweep_plan(plan, FAULT_PREVENTS | FAULT_HITS_ANY);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("fault/memory");
    TCase *tcase = tcase_create("memory");
    tcase_set_timeout(tcase, 240);
    tcase_add_test(tcase, one_allocation_fails);
    tcase_add_test(tcase, no_memory_is_left);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* Runs the one suite that a test file gives. */
#include "support/suite.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(etd_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

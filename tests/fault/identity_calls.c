/* The calls by which the daemon gives up root, and by which it looks at what is left; see calls.c. A
 * plan without an error makes a call lie: it says that it succeeded, and did nothing. */
#undef _FORTIFY_SOURCE /* its inline getgroups would stand before ours */
#include "fault/interpose.h"
#include "fault/plan.h"

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The error, or the lie. */
static int struck(void)
{
    return fault_plan->error == 0 ? 0 : -1;
}

EXPORT struct passwd *getpwnam(const char *name)
{
    NEXT(getpwnam);
    return fault_strikes(FAULT_GETPWNAM, -1) ? NULL : next(name);
}

EXPORT struct group *getgrnam(const char *name)
{
    NEXT(getgrnam);
    return fault_strikes(FAULT_GETGRNAM, -1) ? NULL : next(name);
}

EXPORT int setgroups(size_t count, const gid_t *groups)
{
    NEXT(setgroups);
    return fault_strikes(FAULT_SETGROUPS, -1) ? struck() : next(count, groups);
}

EXPORT int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    NEXT(setresgid);
    return fault_strikes(FAULT_SETRESGID, -1) ? struck() : next(real, effective, saved);
}

EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    NEXT(setresuid);
    return fault_strikes(FAULT_SETRESUID, -1) ? struck() : next(real, effective, saved);
}

EXPORT int getgroups(int size, gid_t groups[])
{
    NEXT(getgroups);
    return fault_strikes(FAULT_GETGROUPS, -1) ? struck() : next(size, groups);
}

EXPORT int getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    NEXT(getresgid);
    return fault_strikes(FAULT_GETRESGID, -1) ? struck() : next(real, effective, saved);
}

EXPORT int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    NEXT(getresuid);
    return fault_strikes(FAULT_GETRESUID, -1) ? struck() : next(real, effective, saved);
}

EXPORT int prctl(int option, ...)
{
    NEXT(prctl);
    unsigned long given[4];
    va_list arguments;
    va_start(arguments, option);
    for (int i = 0; i < 4; i++)
        given[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    return fault_strikes(FAULT_PRCTL, -1) ? struck()
                                          : next(option, given[0], given[1], given[2], given[3]);
}

EXPORT long syscall(long number, ...)
{
    NEXT(syscall);
    long given[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        given[i] = va_arg(arguments, long);
    va_end(arguments);
    if ((number == SYS_capset && fault_strikes(FAULT_CAPSET, -1)) ||
        (number == SYS_capget && fault_strikes(FAULT_CAPGET, -1)))
        return struck();
    return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

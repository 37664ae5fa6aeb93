#include "platform/privileges.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uid_t unchanged = (uid_t)-1; /* for setresuid(2); as gid_t the same */

static bool dropped;

__attribute__((format(printf, 2, 3))) static void explain(char error[ETD_PRIVILEGES_ERROR],
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, ETD_PRIVILEGES_ERROR, format, arguments);
    va_end(arguments);
}

/* An id in digits. -1 is none: the calls take it for "as it is". */
static bool parse_id(const char *text, uid_t *id)
{
    size_t length = strlen(text);
    if (length == 0 || length > 10 || strspn(text, "0123456789") != length)
        return false;
    uint64_t value = strtoull(text, NULL, 10);
    *id = (uid_t)value;
    return value < (uint64_t)unchanged;
}

/* What getpwnam(3) and getgrnam(3) give for a name that there is not: 0, or one of these. */
static bool means_unknown(int failure)
{
    return failure == 0 || failure == ENOENT || failure == ESRCH;
}

static enum etd_privileges_result find_user(struct etd_identity *identity, const char *user,
                                            bool *has_group, char error[ETD_PRIVILEGES_ERROR])
{
    errno = 0;
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL && !means_unknown(errno)) {
        explain(error, "cannot look up the user %s: %s", user, strerror(errno));
        return ETD_PRIVILEGES_REFUSED;
    }
    if (entry == NULL && parse_id(user, &identity->uid))
        entry = getpwuid(identity->uid);
    else if (entry == NULL) {
        explain(error,
                "there is no user %s on this host; make one (adduser --system %s), or correct "
                "[daemon] user",
                user, user);
        return ETD_PRIVILEGES_MISTAKEN;
    }
    *has_group = entry != NULL;
    if (entry != NULL)
        *identity = (struct etd_identity){.uid = entry->pw_uid, .gid = entry->pw_gid};
    if (identity->uid == 0) {
        explain(error,
                "[daemon] user %s is root, and to become root gives up nothing; name another "
                "user, or leave it out to stay root",
                user);
        return ETD_PRIVILEGES_MISTAKEN;
    }
    return ETD_PRIVILEGES_OK;
}

static enum etd_privileges_result find_group(struct etd_identity *identity, const char *group,
                                             char error[ETD_PRIVILEGES_ERROR])
{
    errno = 0;
    const struct group *entry = getgrnam(group);
    if (entry != NULL) {
        identity->gid = entry->gr_gid;
    } else if (!means_unknown(errno)) {
        explain(error, "cannot look up the group %s: %s", group, strerror(errno));
        return ETD_PRIVILEGES_REFUSED;
    } else if (!parse_id(group, &identity->gid)) {
        explain(error,
                "there is no group %s on this host; make one (addgroup --system %s), or correct "
                "[daemon] group",
                group, group);
        return ETD_PRIVILEGES_MISTAKEN;
    }
    return ETD_PRIVILEGES_OK;
}

enum etd_privileges_result etd_privileges_find(struct etd_identity *identity, const char *user,
                                               const char *group, char error[ETD_PRIVILEGES_ERROR])
{
    bool has_group;
    enum etd_privileges_result result = find_user(identity, user, &has_group, error);
    if (result == ETD_PRIVILEGES_OK && group[0] != '\0')
        result = find_group(identity, group, error);
    if (result != ETD_PRIVILEGES_OK)
        return result;
    if (group[0] == '\0' && !has_group) {
        explain(error,
                "the id %s is in no list of users, which would tell its group; set [daemon] "
                "group too",
                user);
        return ETD_PRIVILEGES_MISTAKEN;
    }
    if (identity->gid == 0) {
        explain(error,
                "the group of [daemon] user %s would be root's; set [daemon] group to "
                "another",
                user);
        return ETD_PRIVILEGES_MISTAKEN;
    }
    return ETD_PRIVILEGES_OK;
}

static bool fail(char error[ETD_PRIVILEGES_ERROR], const char *doing)
{
    explain(error, "cannot give up root: %s: %s", doing, strerror(errno));
    return false;
}

/* The C library has no header for these two. */
static int set_capabilities(const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return (int)syscall(SYS_capset, &header, data);
}

static int get_capabilities(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return (int)syscall(SYS_capget, &header, data);
}

/* How many capabilities the kernel knows, which need not be as many as its headers did. */
static int count_capabilities(void)
{
    int count = 0;
    while (prctl(PR_CAPBSET_READ, count, 0, 0, 0) >= 0)
        count++;
    return count;
}

/* While there is still the capability that it takes. */
static bool empty_bounding_set(char error[ETD_PRIVILEGES_ERROR])
{
    int count = count_capabilities();
    for (int capability = 0; capability < count; capability++) {
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 0 &&
            prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
            return fail(error, "emptying the bounding set, which takes CAP_SETPCAP");
    }
    return true;
}

static bool change_identity(const struct etd_identity *identity, char error[ETD_PRIVILEGES_ERROR])
{
    if (setgroups(0, NULL) != 0)
        return fail(error, "leaving the supplementary groups, which takes CAP_SETGID");
    if (setresgid(identity->gid, identity->gid, identity->gid) != 0)
        return fail(error, "changing the group, which takes CAP_SETGID");
    if (setresuid(identity->uid, identity->uid, identity->uid) != 0)
        return fail(error, "changing the user, which takes CAP_SETUID");
    return true;
}

static bool clear_capabilities(char error[ETD_PRIVILEGES_ERROR])
{
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return fail(error, "clearing the ambient capabilities");
    if (set_capabilities(none) != 0)
        return fail(error, "clearing the capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(error, "setting no_new_privs");
    return true;
}

/* Nobody else's ids are left. */
static bool is_identity(const struct etd_identity *identity)
{
    uid_t uids[3] = {0};
    gid_t gids[3] = {0};
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0)
        return false;
    for (int i = 0; i < 3; i++) {
        if (uids[i] != identity->uid || gids[i] != identity->gid)
            return false;
    }
    return true;
}

static bool has_capabilities(bool was_root)
{
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(data, 0xff, sizeof data); /* guilty until the kernel says otherwise */
    if (get_capabilities(data) != 0)
        return true;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        if ((data[i].effective | data[i].permitted | data[i].inheritable) != 0)
            return true;
    }
    int count = count_capabilities();
    for (int capability = 0; capability < count; capability++) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) != 0 ||
            (was_root && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 0))
            return true;
    }
    return count == 0;
}

/* Tries every call that could. A success may change ids, and ends the daemon. */
static bool can_become_root(void)
{
    const gid_t root = 0;
    return setresuid(0, unchanged, unchanged) == 0 || setresuid(unchanged, 0, unchanged) == 0 ||
           setresuid(unchanged, unchanged, 0) == 0 || setuid(0) == 0 ||
           setresgid(0, unchanged, unchanged) == 0 || setresgid(unchanged, 0, unchanged) == 0 ||
           setresgid(unchanged, unchanged, 0) == 0 || setgid(0) == 0 || setgroups(1, &root) == 0;
}

/* What the calls before said they did is not taken for granted. */
static bool prove(const struct etd_identity *identity, bool was_root,
                  char error[ETD_PRIVILEGES_ERROR])
{
    const char *left = NULL;
    if (can_become_root())
        left = "the way back to root is open";
    else if (!is_identity(identity))
        left = "ids of another user or group are left";
    else if (was_root && getgroups(0, NULL) != 0)
        left = "supplementary groups are left";
    else if (has_capabilities(was_root))
        left = "capabilities are left";
    else if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        left = "no_new_privs is not set";
    if (left == NULL)
        return true;
    explain(error,
            "gave up root, but %s; look for what stands between this process and the kernel "
            "(securebits, a system call filter, a security module)",
            left);
    return false;
}

bool etd_privileges_drop(const struct etd_identity *identity, char error[ETD_PRIVILEGES_ERROR])
{
    bool is_root = geteuid() == 0;
    if (!is_root && !is_identity(identity)) {
        explain(error,
                "cannot become user %" PRIu32 " and group %" PRIu32 " of [daemon] user, having "
                "been started as %" PRIu32 " and %" PRIu32 "; start as root, or leave user out",
                identity->uid, identity->gid, geteuid(), getegid());
        return false;
    }
    if (is_root && (!empty_bounding_set(error) || !change_identity(identity, error)))
        return false;
    dropped = clear_capabilities(error) && prove(identity, is_root, error);
    return dropped;
}

bool etd_privileges_dropped(void)
{
    return dropped;
}

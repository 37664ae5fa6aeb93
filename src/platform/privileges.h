/* Giving up root for good: everything that lets a process take it up again goes too, and is then shown
 * to be gone.
 *
 * What can fail writes into `error` a sentence that says what failed and what to do. Only for a
 * process of a single thread: capabilities belong to a thread. */
#ifndef ECHOTIMED_PLATFORM_PRIVILEGES_H
#define ECHOTIMED_PLATFORM_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

enum { ETD_PRIVILEGES_ERROR = 320 }; /* bytes of an error sentence, its NUL included */

/* Whom to become; neither id is that of root. */
struct etd_identity {
    uid_t uid;
    gid_t gid;
};

enum etd_privileges_result {
    ETD_PRIVILEGES_OK,
    ETD_PRIVILEGES_MISTAKEN, /* the names stand for nobody, or for root */
    ETD_PRIVILEGES_REFUSED   /* the system did not answer, or did not do it */
};

/* Finds the ids of a user and a group; an empty group stands for the user's own. What is no name may
 * be an id in digits. Asks the name service, which may take seconds. */
enum etd_privileges_result etd_privileges_find(struct etd_identity *identity, const char *user,
                                               const char *group, char error[ETD_PRIVILEGES_ERROR]);

/* Becomes `identity`: real, effective and saved ids; no supplementary group; no capability in any
 * set, the bounding one included; nothing gained by any execve(2) to come (no_new_privs). Whether the
 * process can be traced and dumps core is what the kernel makes of such a change (fs.suid_dumpable).
 *
 * A process that was not started as root can be `identity` already; it then keeps its supplementary
 * groups and its bounding set, which take root to change, and loses the rest.
 *
 * True only when all of it was read back from the kernel and the way to root was tried in vain.
 * Otherwise the process is in no state to go on with. */
bool etd_privileges_drop(const struct etd_identity *identity, char error[ETD_PRIVILEGES_ERROR]);

/* Whether etd_privileges_drop was done. */
bool etd_privileges_dropped(void);

#endif

#include "daemon/root.h"

#include "platform/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

int etd_root_find_heir(const struct etd_config_daemon *daemon, struct etd_identity *heir)
{
    char error[ETD_PRIVILEGES_ERROR];
    int status = EX_OK;
    *heir = (struct etd_identity){0};
    if (daemon->user[0] == '\0')
        return status;
    switch (etd_privileges_find(heir, daemon->user, daemon->group, error)) {
    case ETD_PRIVILEGES_OK:
        return status;
    case ETD_PRIVILEGES_MISTAKEN:
        status = EX_CONFIG;
        break;
    case ETD_PRIVILEGES_REFUSED:
        status = EX_OSERR;
        break;
    }
    etd_log(ETD_LOG_ERROR, error, "user=%s group=%s", daemon->user, daemon->group);
    return status;
}

bool etd_root_give_up(const struct etd_identity *heir, const char *file)
{
    char error[ETD_PRIVILEGES_ERROR];
    if (heir->uid == 0) {
        if (geteuid() == 0)
            etd_log(ETD_LOG_NOTICE,
                    "running as root; set [daemon] user to give that up when all is bound",
                    "uid=0");
        return true;
    }
    if (!etd_privileges_drop(heir, error)) {
        etd_log(ETD_LOG_ERROR, error, "uid=%" PRIu32 " gid=%" PRIu32, heir->uid, heir->gid);
        return false;
    }
    etd_log(ETD_LOG_INFO, "gave up all privileges for good", "uid=%" PRIu32 " gid=%" PRIu32,
            heir->uid, heir->gid);
    if (file != NULL && access(file, R_OK) != 0)
        etd_log(ETD_LOG_WARNING,
                "a reload will fail: [daemon] user cannot read the configuration file; let it, "
                "by chgrp and chmod g+r",
                "file=%s error=\"%s\"", file, strerror(errno));
    return true;
}

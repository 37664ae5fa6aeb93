/* The reload: another configuration takes the place of the one in force, or nothing of it does. */
#include "daemon/generation.h"
#include "daemon/server.h"
#include "platform/log.h"
#include "platform/notify.h"

#include <inttypes.h>

/* What came of it, for `systemctl status` and the log. Somebody asked, so at any but the most silent
 * levels there is an answer. */
static void tell_result(struct etd_server *server, bool good)
{
    if (good) {
        server->reloads_good++;
        etd_log(ETD_LOG_NOTICE, "reloaded: the new configuration is in force",
                "listeners=%zu connections=%" PRIu32, server->config->listener_count,
                server->connections.open);
    } else {
        server->reloads_bad++;
        etd_log(ETD_LOG_ERROR,
                "reload refused: the old configuration stays; mend what the lines before this one "
                "say, then send HUP again",
                "listeners=%zu connections=%" PRIu32, server->config->listener_count,
                server->connections.open);
    }
}

static enum etd_config_result load(struct etd_config_loaded *next, struct etd_server *server)
{
    /* A file that was served and is gone is a mistake, and no wish for the built-in defaults. */
    server->request.file_optional = server->request.file_optional && server->loaded->built_in;
    enum etd_config_result result = etd_config_load(next, &server->request);
    for (size_t i = 0; i < next->problems.count; i++)
        etd_log(ETD_LOG_ERROR, next->problems.items[i].text, "%s", "");
    if (result == ETD_CONFIG_NO_MEMORY)
        etd_log(ETD_LOG_ERROR, "out of memory for a second configuration; give the host more",
                "file=%s", server->request.sources.file);
    return result;
}

static bool reload(struct etd_server *server)
{
    struct etd_config_loaded next;
    struct etd_generation generation;
    if (load(&next, server) != ETD_CONFIG_OK ||
        !etd_generation_open(&generation, server, &next.config)) {
        etd_config_loaded_free(&next);
        return false;
    }
    etd_generation_begin(&generation, server);
    etd_config_loaded_free(server->loaded);
    *server->loaded = next;
    server->config = &server->loaded->config;
    etd_log_set_level(server->config->daemon.log_level);
    /* What the loop itself is run by may have changed. */
    ev_break(server->loop, EVBREAK_ALL);
    return true;
}

void etd_server_reload(struct etd_server *server)
{
    if (server->draining) {
        etd_log(ETD_LOG_NOTICE, "asked to reload while ending: the old configuration stays",
                "connections=%" PRIu32, server->connections.open);
        return;
    }
    etd_notify_reloading("reloading the configuration");
    tell_result(server, reload(server));
    etd_server_tell_ready(server);
}

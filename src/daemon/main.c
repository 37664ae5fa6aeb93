/* echotimed: reads its command line and configuration, serves, and says how it ended. */
#include "daemon/loop.h"
#include "daemon/options.h"
#include "daemon/root.h"
#include "daemon/server.h"
#include "daemon/signals.h"
#include "daemon/supervision.h"
#include "platform/log.h"
#include "platform/notify.h"
#include "platform/passed.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

static int serve(struct etd_config_loaded *loaded, const struct etd_config_request *request)
{
    struct etd_server server;
    struct etd_supervision supervision;
    struct etd_identity heir;
    int status = etd_root_find_heir(&loaded->config.daemon, &heir);
    if (status != EX_OK)
        return status;
    status = EX_OSERR;
    if (!etd_passed_open())
        return status;
    struct ev_loop *loop = etd_loop_open();
    if (loop == NULL)
        goto close_passed;
    if (!etd_server_open(&server, loop, loaded, request))
        goto close_loop;
    if (!etd_root_give_up(&heir, loaded->built_in ? NULL : request->sources.file))
        goto close_server;
    etd_server_tell_ready(&server);
    etd_supervision_begin(&supervision, &server);
    etd_server_run(&server);
    etd_supervision_end(&supervision);
    etd_notify_stopping("closing");
    if (!etd_loop_failed())
        status = EXIT_SUCCESS;
    etd_server_log_counters(&server, ETD_LOG_INFO);
close_server:
    etd_server_close(&server);
close_loop:
    etd_loop_close(loop);
close_passed:
    etd_passed_close();
    return status;
}

int main(int argc, char **argv)
{
    struct etd_options options;
    struct etd_config_loaded loaded;
    int status;
    etd_options_parse(&options, argc, argv);
    if (options.action != ETD_ACTION_SERVE) {
        status = etd_options_perform(&options);
        goto free_options;
    }
    etd_signals_hold();
    status = etd_options_load(&options, &loaded);
    if (status != EX_OK)
        goto free_options;
    /* A peer that is gone, or a log that nobody reads, is an error of one call and no signal. */
    signal(SIGPIPE, SIG_IGN);
    etd_log_open();
    etd_log_set_level(loaded.config.daemon.log_level);
    if (loaded.built_in)
        etd_log(ETD_LOG_NOTICE, "no configuration file: serving the built-in defaults", "file=%s",
                options.request.sources.file);
    status = serve(&loaded, &options.request);
    etd_log(status == EXIT_SUCCESS ? ETD_LOG_INFO : ETD_LOG_ERROR, "ended", "status=%d", status);
    etd_log_close();
    etd_config_loaded_free(&loaded);
free_options:
    etd_options_free(&options);
    return status;
}

#include "client/command.h"

const struct etd_command *const etd_commands[] = {
    &etd_command_time, &etd_command_ping,   &etd_command_send,
    &etd_command_load, &etd_command_health, NULL,
};

const struct etd_command_option etd_common_options[] = {
    {ETD_OPTION_IPV4, NULL, "use IPv4 alone"},
    {ETD_OPTION_IPV6, NULL, "use IPv6 alone"},
    {ETD_OPTION_SOURCE, NULL, "send from this address of the host"},
    {ETD_OPTION_JSON, NULL, "print JSON; the keys are described in echotime(1)"},
    {ETD_OPTION_HELP, NULL, "print this help, and exit"},
    {ETD_OPTION_VERSION, NULL, "print the version, and exit"},
    {ETD_OPTIONS, NULL, NULL},
};

static const struct etd_command_option *find(const struct etd_command_option *list,
                                             enum etd_option_id option)
{
    for (; list->help != NULL; list++) {
        if (list->option == option)
            return list;
    }
    return NULL;
}

const struct etd_command_option *etd_command_option(const struct etd_command *command,
                                                    enum etd_option_id option)
{
    const struct etd_command_option *own = find(command->options, option);
    return own != NULL ? own : find(etd_common_options, option);
}

const char *etd_protocol_choice_name(const struct etd_settings *settings)
{
    const struct etd_protocol_choice *one = settings->command->protocols;
    while (one != NULL && one->name != NULL && one->protocol != settings->protocol)
        one++;
    return one != NULL && one->name != NULL ? one->name : "echo";
}

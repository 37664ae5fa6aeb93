/* Endpoints to addresses, addresses to sockets, and what is said when that fails. */
#include "platform/socket.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char error[ETD_SOCKET_ERROR];

static const struct etd_config_listener plain = {.backlog = 16, .receive_buffer = 65536};

static struct etd_socket_address address_of(const char *ip, uint16_t port)
{
    struct etd_socket_address address = {.address.port = port};
    ck_assert(etd_address_parse_ip(&address.address, ip));
    return address;
}

static int get_int(int fd, int level, int option)
{
    int value = -1;
    socklen_t length = sizeof value;
    ck_assert_int_eq(getsockopt(fd, level, option, &value, &length), 0);
    return value;
}

static bool host_has_ipv6(void)
{
    struct etd_socket_address loopback = address_of("::1", 0);
    int fd = etd_socket_open_udp(&loopback, &plain, &(uint64_t){0}, error);
    close(fd);
    return fd >= 0;
}

static void assert_says(const char *part)
{
    ck_assert_msg(strstr(error, part) != NULL, "\"%s\" is not in: %s", part, error);
}

static const char *const loopbacks[] = {"127.0.0.1", "::1"};

START_TEST(tcp_socket_is_ready_to_accept_and_inherit)
{
    if (_i == 1 && !host_has_ipv6())
        return; /* what such a host gets is the matter of other tests here */
    struct etd_socket_address asked = address_of(loopbacks[_i], 0), bound, peer;
    struct sockaddr_storage storage;
    int fd = etd_socket_open_tcp(&asked, &plain, error);
    ck_assert_msg(fd >= 0, "%s", error);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ck_assert_int_eq(get_int(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    ck_assert_int_eq(get_int(fd, SOL_SOCKET, SO_REUSEPORT), 0);
    ck_assert(etd_socket_bound(fd, &bound));
    ck_assert(etd_address_same_ip(&bound.address, &asked.address));
    ck_assert_uint_ne(bound.address.port, 0);

    int client = socket(_i == 0 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    socklen_t length = etd_socket_to_sockaddr(&bound, &storage);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&storage, length), 0);
    length = sizeof storage;
    int accepted = accept4(fd, (struct sockaddr *)&storage, &length, 0);
    ck_assert_int_ge(accepted, 0);
    ck_assert_int_eq(get_int(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert(etd_socket_from_sockaddr(&storage, length, &peer));
    ck_assert(etd_address_same_ip(&peer.address, &asked.address));
    close(accepted);
    close(client);
    close(fd);
}
END_TEST

START_TEST(udp_socket_is_prepared)
{
    if (_i == 1 && !host_has_ipv6())
        return;
    struct etd_socket_address asked = address_of(loopbacks[_i], 0);
    uint64_t granted = 0;
    int fd = etd_socket_open_udp(&asked, &plain, &granted, error);
    ck_assert_msg(fd >= 0, "%s", error);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ck_assert_int_eq(get_int(fd, SOL_SOCKET, SO_REUSEADDR), 0);
    ck_assert_uint_eq(granted, 65536);
    close(fd);
}
END_TEST

static int tells_destination(const char *ip)
{
    struct etd_socket_address asked = address_of(ip, 0);
    uint64_t granted;
    int fd = etd_socket_open_udp(&asked, &plain, &granted, error);
    ck_assert_msg(fd >= 0, "%s", error);
    int told = etd_address_is_ipv4(&asked.address) ? get_int(fd, IPPROTO_IP, IP_PKTINFO)
                                                   : get_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    close(fd);
    return told;
}

/* Where it can be another than the socket's own. */
START_TEST(udp_socket_tells_where_datagrams_were_sent)
{
    ck_assert_int_eq(tells_destination("0.0.0.0"), 1);
    ck_assert_int_eq(tells_destination("127.255.255.255"), 1);
    ck_assert_int_eq(tells_destination("127.0.0.1"), 0);
    if (!host_has_ipv6())
        return;
    ck_assert_int_eq(tells_destination("::"), 1);
    ck_assert_int_eq(tells_destination("::1"), 0);
}
END_TEST

START_TEST(wildcard_broadcast_and_multicast_are_no_one_host)
{
    static const char *const several[] = {"0.0.0.0",         "::",        "127.255.255.255",
                                          "255.255.255.255", "224.0.0.1", "ff02::1"};
    static const char *const one[] = {"127.0.0.1", "127.1.2.3", "::1", "2001:db8::1"};
    for (size_t i = 0; i < sizeof several / sizeof several[0]; i++) {
        struct etd_socket_address address = address_of(several[i], 7);
        ck_assert_msg(!etd_socket_is_one_host(&address.address), "%s", several[i]);
    }
    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) {
        struct etd_socket_address address = address_of(one[i], 7);
        ck_assert_msg(etd_socket_is_one_host(&address.address), "%s", one[i]);
    }
}
END_TEST

/* More than the kernel can count: what it grants is told, and nothing wraps. */
START_TEST(huge_receive_buffer_tells_what_was_granted)
{
    struct etd_socket_address asked = address_of("127.0.0.1", 0);
    struct etd_config_listener huge = plain;
    huge.receive_buffer = UINT64_MAX;
    uint64_t granted = 0;
    int fd = etd_socket_open_udp(&asked, &huge, &granted, error);
    ck_assert_msg(fd >= 0, "%s", error);
    ck_assert_uint_ge(granted, 65536);
    ck_assert_uint_le(granted, INT32_MAX);
    close(fd);
}
END_TEST

START_TEST(both_families_share_a_port_number)
{
    struct etd_endpoint any = {.kind = ETD_ENDPOINT_ANY};
    struct etd_socket_addresses found;
    ck_assert(etd_socket_resolve(&any, &found, error));
    ck_assert_uint_eq(found.count + found.left_out, 2);
    ck_assert(etd_address_is_any(&found.list[0].address));
    ck_assert(etd_address_is_ipv4(&found.list[0].address));
    if (found.count < 2)
        return;
    ck_assert(!etd_address_is_ipv4(&found.list[1].address));
    /* The port is free for IPv4; with luck for IPv6, too, so try some. */
    for (int attempt = 0; attempt < 20; attempt++) {
        struct etd_socket_address bound;
        int first = etd_socket_open_tcp(&found.list[1], &plain, error);
        ck_assert(etd_socket_bound(first, &bound));
        found.list[0].address.port = bound.address.port;
        int second = etd_socket_open_tcp(&found.list[0], &plain, error);
        close(first);
        close(second);
        if (second >= 0)
            return;
    }
    ck_abort_msg("no port for both families: %s", error);
}
END_TEST

START_TEST(address_in_use_is_said_with_who_has_it)
{
    struct etd_socket_address asked = address_of("127.0.0.1", 0);
    bool tcp = _i == 0;
    uint64_t granted;
    int fd = tcp ? etd_socket_open_tcp(&asked, &plain, error)
                 : etd_socket_open_udp(&asked, &plain, &granted, error);
    ck_assert(etd_socket_bound(fd, &asked));
    int second = tcp ? etd_socket_open_tcp(&asked, &plain, error)
                     : etd_socket_open_udp(&asked, &plain, &granted, error);
    ck_assert_int_eq(second, -1);
    char expected[256];
    snprintf(
        expected, sizeof expected,
        "cannot bind to %s 127.0.0.1:%u: Address already in use; \"ss %s 'sport = :%u'\" shows",
        tcp ? "TCP" : "UDP", asked.address.port, tcp ? "-ltnp" : "-lunp", asked.address.port);
    assert_says(expected);
    close(fd);
}
END_TEST

START_TEST(reuse_port_lets_two_share)
{
    struct etd_socket_address asked = address_of("127.0.0.1", 0);
    struct etd_config_listener sharing = plain;
    sharing.reuse_port = true;
    bool tcp = _i == 0;
    uint64_t granted;
    int first = tcp ? etd_socket_open_tcp(&asked, &sharing, error)
                    : etd_socket_open_udp(&asked, &sharing, &granted, error);
    ck_assert(etd_socket_bound(first, &asked));
    int second = tcp ? etd_socket_open_tcp(&asked, &sharing, error)
                     : etd_socket_open_udp(&asked, &sharing, &granted, error);
    ck_assert_msg(second >= 0, "%s", error);
    close(first);
    close(second);
}
END_TEST

START_TEST(foreign_address_is_said_to_be_none_of_this_host)
{
    struct etd_socket_address asked = address_of("192.0.2.1", 4242);
    ck_assert_int_eq(etd_socket_open_tcp(&asked, &plain, error), -1);
    assert_says("192.0.2.1:4242: Cannot assign requested address; it is no address of this host");
}
END_TEST

START_TEST(link_local_address_without_interface_is_said)
{
    if (!host_has_ipv6())
        return;
    struct etd_socket_address asked = address_of("fe80::1", 4242);
    ck_assert_int_eq(etd_socket_open_tcp(&asked, &plain, error), -1);
    assert_says("given with its interface");
}
END_TEST

START_TEST(low_port_without_the_right_is_said)
{
    struct etd_socket_address asked = address_of("127.0.0.1", 7);
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    int start = 1024;
    ck_assert(file != NULL && fscanf(file, "%d", &start) == 1);
    fclose(file);
    ck_assert_msg(start > 7, "this host lets everybody bind to port 7: the test cannot run");
    uid_t self = geteuid();
    ck_assert_int_eq(self == 0 ? seteuid(65534) : 0, 0);
    int fd = etd_socket_open_tcp(&asked, &plain, error);
    ck_assert_int_eq(seteuid(self), 0);
    ck_assert_int_eq(fd, -1);
    assert_says("cannot bind to TCP 127.0.0.1:7: Permission denied; a port below 1024 takes the "
                "capability CAP_NET_BIND_SERVICE");
}
END_TEST

START_TEST(congestion_control_is_set_or_said_to_be_unknown)
{
    struct etd_socket_address asked = address_of("127.0.0.1", 0);
    struct etd_config_listener listener = plain;
    char name[ETD_CONGESTION_MAX + 1] = "";
    strcpy(listener.congestion_control, "reno"); /* every kernel has it */
    int fd = etd_socket_open_tcp(&asked, &listener, error);
    ck_assert_msg(fd >= 0, "%s", error);
    socklen_t length = sizeof name;
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length), 0);
    ck_assert_str_eq(name, "reno");
    close(fd);
    strcpy(listener.congestion_control, "no_such_one");
    ck_assert_int_eq(etd_socket_open_tcp(&asked, &listener, error), -1);
    assert_says("\"no_such_one\": the kernel does not know it");
}
END_TEST

/* Of a socket that listens the kernel tells its backlog there (tcp_get_info). */
static unsigned backlog_at(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    return info.tcpi_sacked;
}

START_TEST(settings_of_a_tcp_socket_that_stays_can_change_and_change_back)
{
    struct etd_socket_address asked = address_of("127.0.0.1", 0);
    struct etd_config_listener other = {.backlog = 99, .congestion_control = "reno"};
    char before[16] = "", now[16] = "";
    int fd = etd_socket_open_tcp(&asked, &plain, error);
    ck_assert_msg(fd >= 0, "%s", error);
    ck_assert_int_eq(
        getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, before, &(socklen_t){sizeof before}), 0);
    ck_assert_uint_eq(backlog_at(fd), plain.backlog);
    ck_assert_msg(etd_socket_adjust_tcp(fd, &other, error), "%s", error);
    ck_assert_uint_eq(backlog_at(fd), 99);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, now, &(socklen_t){sizeof now}), 0);
    ck_assert_str_eq(now, "reno");
    /* No name: the host's default again. */
    ck_assert_msg(etd_socket_adjust_tcp(fd, &plain, error), "%s", error);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, now, &(socklen_t){sizeof now}), 0);
    ck_assert_str_eq(now, before);
    strcpy(other.congestion_control, "nonesuch");
    ck_assert(!etd_socket_adjust_tcp(fd, &other, error));
    assert_says("nonesuch");
    close(fd);
}
END_TEST

START_TEST(congestion_control_can_be_tried_before)
{
    ck_assert(etd_socket_can_congest("", error));
    ck_assert_msg(etd_socket_can_congest("reno", error), "%s", error);
    ck_assert(!etd_socket_can_congest("nonesuch", error));
    assert_says("nonesuch");
}
END_TEST

START_TEST(receive_buffer_of_a_udp_socket_that_stays_can_change)
{
    struct etd_socket_address asked = address_of("127.0.0.1", 0);
    struct etd_config_listener other = {.receive_buffer = 16384};
    uint64_t granted;
    int fd = etd_socket_open_udp(&asked, &plain, &granted, error);
    ck_assert_msg(fd >= 0, "%s", error);
    ck_assert_uint_eq(granted, plain.receive_buffer);
    ck_assert_uint_eq(etd_socket_adjust_udp(fd, &other), 16384);
    ck_assert_int_eq(get_int(fd, SOL_SOCKET, SO_RCVBUF), 2 * 16384);
    close(fd);
}
END_TEST

START_TEST(failures_leave_no_descriptor_open)
{
    struct etd_socket_address asked = address_of("192.0.2.1", 4242);
    struct etd_config_listener unknown = plain;
    strcpy(unknown.congestion_control, "no_such_one");
    uint64_t granted;
    int before = dup(0);
    for (int i = 0; i < 3; i++) {
        etd_socket_open_tcp(&asked, &plain, error);
        etd_socket_open_tcp(&asked, &unknown, error);
        etd_socket_open_udp(&asked, &plain, &granted, error);
    }
    int after = dup(0);
    ck_assert_int_eq(after, before + 1);
}
END_TEST

START_TEST(host_name_gives_every_address_once)
{
    struct etd_endpoint endpoint = {
        .kind = ETD_ENDPOINT_HOST, .address.port = 8080, .name = "localhost"};
    struct etd_socket_addresses found;
    ck_assert_msg(etd_socket_resolve(&endpoint, &found, error), "%s", error);
    ck_assert_uint_ge(found.count, 1);
    for (size_t i = 0; i < found.count; i++) {
        ck_assert_uint_eq(found.list[i].address.port, 8080);
        for (size_t j = 0; j < i; j++)
            ck_assert(!etd_address_same_ip(&found.list[i].address, &found.list[j].address));
    }
}
END_TEST

START_TEST(zone_becomes_the_interface)
{
    struct etd_endpoint endpoint = {
        .kind = ETD_ENDPOINT_HOST, .address.port = 8080, .name = "fe80::1%lo"};
    struct etd_socket_addresses found;
    struct sockaddr_storage storage;
    struct etd_socket_address back;
    if (!host_has_ipv6())
        return;
    ck_assert_msg(etd_socket_resolve(&endpoint, &found, error), "%s", error);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_uint_eq(found.list[0].scope_id, if_nametoindex("lo"));
    socklen_t length = etd_socket_to_sockaddr(&found.list[0], &storage);
    ck_assert(etd_socket_from_sockaddr(&storage, length, &back));
    ck_assert(etd_address_same_ip(&back.address, &found.list[0].address));
    ck_assert_uint_eq(back.address.port, 8080);
    ck_assert_uint_eq(back.scope_id, found.list[0].scope_id);
}
END_TEST

START_TEST(unknown_host_is_said)
{
    /* Not a name that a resolver would be asked for: the last label is too long (RFC 1035). */
    struct etd_endpoint endpoint = {.kind = ETD_ENDPOINT_HOST};
    memset(endpoint.name, 'x', 70);
    struct etd_socket_addresses found;
    ck_assert(!etd_socket_resolve(&endpoint, &found, error));
    assert_says("cannot resolve \"xxx");
    assert_says("getent ahosts");
}
END_TEST

START_TEST(longest_names_fit_the_error)
{
    struct etd_endpoint endpoint = {.kind = ETD_ENDPOINT_HOST};
    memset(endpoint.name, 'x', ETD_ENDPOINT_NAME_MAX);
    struct etd_socket_addresses found;
    ck_assert(!etd_socket_resolve(&endpoint, &found, error));
    assert_says("shows what the resolver says");
}
END_TEST

/* A socket that somebody else bound; blocking and plain. */
static int foreign_socket(int type)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, type, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    ck_assert(type != SOCK_STREAM || listen(fd, 1) == 0);
    return fd;
}

START_TEST(socket_that_is_taken_over_is_prepared)
{
    int tcp = foreign_socket(SOCK_STREAM), udp = foreign_socket(SOCK_DGRAM);
    enum etd_transport transport = ETD_TRANSPORT_COUNT;
    uint64_t granted = 0;
    ck_assert_ptr_null(etd_socket_serves(tcp, &transport));
    ck_assert_int_eq(transport, ETD_TCP);
    ck_assert_msg(etd_socket_adopt_tcp(tcp, &plain, error), "%s", error);
    ck_assert_int_ne(get_int(tcp, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_ne(fcntl(tcp, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_ptr_null(etd_socket_serves(udp, &transport));
    ck_assert_int_eq(transport, ETD_UDP);
    ck_assert_msg(etd_socket_adopt_udp(udp, &plain, &granted, error), "%s", error);
    ck_assert_int_ne(get_int(udp, IPPROTO_IP, IP_PKTINFO), 0);
    ck_assert_int_ne(fcntl(udp, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_uint_ge(granted, plain.receive_buffer);
    close(tcp);
    close(udp);
}
END_TEST

START_TEST(socket_that_cannot_be_prepared_is_said)
{
    /* The kernel refuses the options of the other transport, and all of what is no socket. */
    int udp = foreign_socket(SOCK_DGRAM), closed = foreign_socket(SOCK_DGRAM);
    uint64_t granted;
    close(closed);
    ck_assert(!etd_socket_adopt_tcp(udp, &plain, error));
    assert_says("cannot prepare the socket for TCP 127.0.0.1:");
    assert_says(strerror(ENOPROTOOPT));
    ck_assert(!etd_socket_adopt_udp(closed, &plain, &granted, error));
    assert_says("cannot prepare the socket for UDP");
    assert_says(strerror(EBADF));
    close(udp);
}
END_TEST

START_TEST(socket_of_the_service_manager_is_no_address)
{
    struct etd_endpoint endpoint = {.kind = ETD_ENDPOINT_SYSTEMD, .name = "echo"};
    struct etd_socket_addresses found;
    ck_assert(!etd_socket_resolve(&endpoint, &found, error));
    assert_says("\"systemd:echo\"");
}
END_TEST

/* Gives this test a network and a file of host names for itself. */
static void become_host(const char *hosts)
{
    int namespaces = CLONE_NEWNET | CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    char path[] = "/tmp/etd-hosts-XXXXXX";
    ck_assert_msg(unshare(namespaces) == 0, "this host gives us no namespace: %s", strerror(errno));
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, hosts, strlen(hosts)), strlen(hosts));
    ck_assert_int_eq(fchmod(fd, 0644), 0);
    close(fd);
    ck_assert_int_eq(mount(path, "/etc/hosts", NULL, MS_BIND, NULL), 0);
    ck_assert_int_eq(unlink(path), 0);
}

/* A namespace's loopback that is still down is a host whose IPv6 has no address. */
START_TEST(host_without_ipv6_serves_ipv4)
{
    become_host("127.0.0.1 both.test\n::1 both.test\n2001:db8::1 both.test six.test\n"
                "127.0.0.1 both.test\n");
    FILE *file = fopen("/proc/sys/net/ipv6/conf/all/disable_ipv6", "we");
    if (file != NULL) {
        fputs("1", file);
        fclose(file);
    }
    struct etd_endpoint endpoint = {.kind = ETD_ENDPOINT_HOST, .name = "both.test"};
    struct etd_socket_addresses found;
    ck_assert_msg(etd_socket_resolve(&endpoint, &found, error), "%s", error);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_uint_eq(found.left_out, 2);
    ck_assert(etd_address_is_ipv4(&found.list[0].address));
    /* Nothing but IPv6 stays, for the error that says what is wrong with it. */
    strcpy(endpoint.name, "six.test");
    ck_assert(etd_socket_resolve(&endpoint, &found, error));
    ck_assert_uint_eq(found.count, 1);
    ck_assert_int_eq(etd_socket_open_tcp(&found.list[0], &plain, error), -1);
    assert_says("2001:db8::1");
}
END_TEST

START_TEST(host_with_too_many_addresses_is_said)
{
    char hosts[4096] = "";
    size_t size = 0;
    for (int i = 1; i <= ETD_SOCKET_ADDRESSES + 1; i++)
        size += (size_t)snprintf(hosts + size, sizeof hosts - size, "192.0.2.%d many.test\n", i);
    become_host(hosts);
    struct etd_endpoint endpoint = {.kind = ETD_ENDPOINT_HOST, .name = "many.test"};
    struct etd_socket_addresses found;
    ck_assert(!etd_socket_resolve(&endpoint, &found, error));
    assert_says("\"many.test\" has more than 32 addresses; name those to listen at one by one");
}
END_TEST

START_TEST(other_families_are_no_address)
{
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    struct etd_socket_address address;
    ck_assert(!etd_socket_from_sockaddr(&storage, sizeof storage, &address));
    storage.ss_family = AF_INET6;
    ck_assert(!etd_socket_from_sockaddr(&storage, sizeof(struct sockaddr_in), &address));
    storage.ss_family = AF_INET;
    ck_assert(!etd_socket_from_sockaddr(&storage, 4, &address));
    ck_assert(!etd_socket_from_sockaddr(&storage, 0, &address));
}
END_TEST

START_TEST(descriptor_limit_is_raised_to_the_hard_one)
{
    struct rlimit limit = {.rlim_cur = 64, .rlim_max = 200};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(etd_socket_raise_descriptor_limit(), 200);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, 200);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("socket");
    TCase *open = tcase_create("open");
    tcase_add_loop_test(open, tcp_socket_is_ready_to_accept_and_inherit, 0, 2);
    tcase_add_loop_test(open, udp_socket_is_prepared, 0, 2);
    tcase_add_test(open, udp_socket_tells_where_datagrams_were_sent);
    tcase_add_test(open, wildcard_broadcast_and_multicast_are_no_one_host);
    tcase_add_test(open, huge_receive_buffer_tells_what_was_granted);
    tcase_add_test(open, both_families_share_a_port_number);
    tcase_add_loop_test(open, address_in_use_is_said_with_who_has_it, 0, 2);
    tcase_add_loop_test(open, reuse_port_lets_two_share, 0, 2);
    tcase_add_test(open, foreign_address_is_said_to_be_none_of_this_host);
    tcase_add_test(open, link_local_address_without_interface_is_said);
    tcase_add_test(open, low_port_without_the_right_is_said);
    tcase_add_test(open, congestion_control_is_set_or_said_to_be_unknown);
    tcase_add_test(open, settings_of_a_tcp_socket_that_stays_can_change_and_change_back);
    tcase_add_test(open, congestion_control_can_be_tried_before);
    tcase_add_test(open, receive_buffer_of_a_udp_socket_that_stays_can_change);
    tcase_add_test(open, failures_leave_no_descriptor_open);
    tcase_add_test(open, socket_that_is_taken_over_is_prepared);
    tcase_add_test(open, socket_that_cannot_be_prepared_is_said);
    suite_add_tcase(suite, open);
    TCase *resolve = tcase_create("resolve");
    tcase_set_timeout(resolve, 60); /* a resolver may take its time */
    tcase_add_test(resolve, host_name_gives_every_address_once);
    tcase_add_test(resolve, zone_becomes_the_interface);
    tcase_add_test(resolve, unknown_host_is_said);
    tcase_add_test(resolve, longest_names_fit_the_error);
    tcase_add_test(resolve, socket_of_the_service_manager_is_no_address);
    tcase_add_test(resolve, host_without_ipv6_serves_ipv4);
    tcase_add_test(resolve, host_with_too_many_addresses_is_said);
    tcase_add_test(resolve, other_families_are_no_address);
    tcase_add_test(resolve, descriptor_limit_is_raised_to_the_hard_one);
    suite_add_tcase(suite, resolve);
    return suite;
}

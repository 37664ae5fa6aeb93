#include "daemon/connections.h"

#include "echotimed/config.h"

#include <string.h>
#include <sys/mman.h>

enum { NODES_SIZE = (ETD_CONNECTIONS_MAX + ETD_WHEEL_SLOTS) * sizeof(struct etd_wheel_node) };

static size_t records_size(uint32_t count)
{
    return count * sizeof(struct etd_connection);
}

static void *reserve(size_t size, int protection)
{
    void *range = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return range == MAP_FAILED ? NULL : range;
}

bool etd_connections_open(struct etd_connections *connections)
{
    *connections = (struct etd_connections){.capacity = 0};
    /* Not usable: a host that lends no more memory than it has would count the whole range. */
    connections->records = reserve(records_size(ETD_CONNECTIONS_MAX), PROT_NONE);
    connections->nodes = reserve(NODES_SIZE, PROT_READ | PROT_WRITE);
    if (connections->records == NULL || connections->nodes == NULL) {
        etd_connections_close(connections);
        return false;
    }
    etd_wheel_init(&connections->wheel, connections->nodes, ETD_CONNECTIONS_MAX);
    return true;
}

bool etd_connections_make_room(struct etd_connections *connections, uint32_t capacity)
{
    if (capacity <= connections->capacity)
        return true;
    if (mprotect(connections->records, records_size(capacity), PROT_READ | PROT_WRITE) != 0)
        return false;
    connections->capacity = capacity;
    return true;
}

void etd_connections_close(struct etd_connections *connections)
{
    if (connections->records != NULL)
        munmap(connections->records, records_size(ETD_CONNECTIONS_MAX));
    if (connections->nodes != NULL)
        munmap(connections->nodes, NODES_SIZE);
    *connections = (struct etd_connections){0};
}

struct etd_connection *etd_connections_take(struct etd_connections *connections)
{
    struct etd_connection *connection = connections->free;
    if (connection != NULL)
        connections->free = connection->watcher.data;
    else if (connections->used < connections->capacity)
        connection = &connections->records[connections->used++];
    else
        return NULL;
    memset(connection, 0, sizeof *connection);
    connections->open++;
    return connection;
}

void etd_connections_give(struct etd_connections *connections, struct etd_connection *connection)
{
    etd_wheel_remove(&connections->wheel, etd_connections_id(connections, connection));
    connection->session.settings = NULL;
    connection->watcher.data = connections->free;
    connections->free = connection;
    connections->open--;
}

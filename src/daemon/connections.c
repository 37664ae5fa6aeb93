#include "daemon/connections.h"

#include <string.h>
#include <sys/mman.h>

static size_t records_size(uint32_t capacity)
{
    return capacity * sizeof(struct etd_connection);
}

static size_t nodes_size(uint32_t capacity)
{
    return (capacity + (size_t)ETD_WHEEL_SLOTS) * sizeof(struct etd_wheel_node);
}

static void *reserve(size_t size)
{
    void *range = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return range == MAP_FAILED ? NULL : range;
}

bool etd_connections_open(struct etd_connections *connections, uint32_t capacity)
{
    *connections = (struct etd_connections){.capacity = capacity};
    connections->records = reserve(records_size(capacity));
    connections->nodes = reserve(nodes_size(capacity));
    if (connections->records == NULL || connections->nodes == NULL) {
        etd_connections_close(connections);
        return false;
    }
    etd_wheel_init(&connections->wheel, connections->nodes, capacity);
    return true;
}

void etd_connections_close(struct etd_connections *connections)
{
    if (connections->records != NULL)
        munmap(connections->records, records_size(connections->capacity));
    if (connections->nodes != NULL)
        munmap(connections->nodes, nodes_size(connections->capacity));
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

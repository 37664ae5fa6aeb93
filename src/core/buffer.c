#include "echotimed/buffer.h"

enum { SMALLEST = 1024 }; /* fewer bytes cost as much to borrow */

void *etd_pool_resize(struct etd_pool *pool, void *old, size_t old_size, size_t size)
{
    if (size > old_size) {
        uint64_t more = size - old_size;
        if (pool->in_use > pool->limit || more > pool->limit - pool->in_use) {
            pool->refusals++;
            return NULL;
        }
    }
    if (size == 0 && old == NULL)
        return NULL;
    void *piece = etd_memory_resize(pool->memory, old, size);
    if (piece == NULL && size > 0) {
        pool->refusals++;
        return NULL;
    }
    pool->in_use = pool->in_use - old_size + size;
    return piece;
}

void etd_buffer_drop(struct etd_buffer *buffer, size_t size)
{
    buffer->begin += size;
    if (buffer->begin == buffer->end)
        buffer->begin = buffer->end = 0;
}

static void move_to_front(struct etd_buffer *buffer)
{
    size_t held = buffer->end - buffer->begin;
    if (buffer->begin > 0 && held > 0)
        memmove(buffer->data, buffer->data + buffer->begin, held);
    buffer->begin = 0;
    buffer->end = held;
}

bool etd_buffer_reserve(struct etd_buffer *buffer, struct etd_pool *pool, size_t size, size_t most)
{
    if (buffer->capacity - buffer->end >= size)
        return true;
    size_t held = buffer->end - buffer->begin;
    if (buffer->capacity - held >= size) {
        move_to_front(buffer);
        return true;
    }
    if (size > SIZE_MAX / 2 - held)
        return false;
    size_t needed = held + size;
    size_t capacity = buffer->capacity > SMALLEST / 2 ? buffer->capacity * 2 : SMALLEST;
    if (capacity > most)
        capacity = most;
    if (capacity < needed)
        capacity = needed;
    uint8_t *data = etd_pool_resize(pool, buffer->data, buffer->capacity, capacity);
    if (data == NULL)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    move_to_front(buffer);
    return true;
}

bool etd_buffer_append(struct etd_buffer *buffer, struct etd_pool *pool, struct etd_bytes bytes)
{
    if (bytes.size == 0)
        return true;
    if (!etd_buffer_reserve(buffer, pool, bytes.size, 0))
        return false;
    memcpy(buffer->data + buffer->end, bytes.data, bytes.size);
    buffer->end += bytes.size;
    return true;
}

void etd_buffer_release(struct etd_buffer *buffer, struct etd_pool *pool)
{
    etd_pool_resize(pool, buffer->data, buffer->capacity, 0);
    *buffer = (struct etd_buffer){0};
}

bool etd_buffer_is_sound(const struct etd_buffer *buffer)
{
    return buffer->begin <= buffer->end && buffer->end <= buffer->capacity &&
           (buffer->data == NULL) == (buffer->capacity == 0);
}

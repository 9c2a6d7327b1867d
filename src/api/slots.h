// Slots: what the opaque pointers of cala.h point at. A handle is a slot with a magic word and a shared pointer to the
// real state. Slots come from memory that is reused but never given back, so a stale or foreign handle can be looked at
// safely: its magic word is wrong, and the call answers CALA_MISUSE. A freed slot rests before it is used again, so
// that a stale handle does not become somebody else's at once.
//
// Thread rule: making, looking at and freeing are safe from every thread; a handle must not be in use while it is
// freed. A forked child gets slots of its own, because another thread may have held the lock when it was forked.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "platform/fork_generation.h"
#include "runtime/fork_guard.h"

namespace cala::api {

inline constexpr std::uint32_t kLedgerMagic = 0xCA1A0001;
inline constexpr std::uint32_t kQueueMagic = 0xCA1A0002;
inline constexpr std::uint32_t kTxMagic = 0xCA1A0003;
inline constexpr std::uint32_t kOpMagic = 0xCA1A0004;
inline constexpr std::uint32_t kErrorMagic = 0xCA1A0005;
inline constexpr std::uint32_t kListenerMagic = 0xCA1A0006;

template <typename State>
struct Handle {
  std::atomic<std::uint32_t> magic{0};
  std::uint64_t generation = 0;
  std::shared_ptr<State> state;
  Handle *next_free = nullptr;
};

// The slots of one kind of handle.
template <typename Slot, std::uint32_t kMagic>
class Slots {
 public:
  template <typename State>
  static Slot *make(std::shared_ptr<State> state) {
    Slot *slot = take();
    slot->state = std::move(state);
    slot->generation = platform::fork_generation();
    slot->magic.store(kMagic, std::memory_order_release);
    return slot;
  }

  static bool valid(const Slot *slot) {
    return slot != nullptr && slot->magic.load(std::memory_order_acquire) == kMagic;
  }

  // Ends a handle; its state goes when nobody else holds it. In a forked child nothing is torn down.
  static void free(Slot *slot) {
    if (!valid(slot)) return;
    slot->magic.store(0, std::memory_order_release);
    if (runtime::forked_since(slot->generation)) {
      runtime::leak(slot->state);
      return;
    }
    auto state = std::move(slot->state);
    slot->state.reset();
    Shelf &own = shelf();
    const std::lock_guard<std::mutex> lock(own.mutex);
    own.put(slot);
  }

 private:
  static constexpr std::size_t kChunk = 64;  // also how many stay free, so that each rests for so long
  // First freed, first used again.
  struct Shelf {
    std::mutex mutex;
    Slot *first = nullptr;
    Slot *last = nullptr;
    std::size_t free = 0;
    std::uint64_t generation = 0;

    void put(Slot *slot) {
      slot->next_free = nullptr;
      if (last == nullptr) {
        first = slot;
      } else {
        last->next_free = slot;
      }
      last = slot;
      ++free;
    }
  };

  static Slot *take() {
    Shelf &own = shelf();
    const std::lock_guard<std::mutex> lock(own.mutex);
    if (own.free <= kChunk) {
      auto *chunk = new std::array<Slot, kChunk>();
      for (Slot &slot : *chunk) own.put(&slot);
    }
    Slot *slot = own.first;
    own.first = static_cast<Slot *>(slot->next_free);
    --own.free;
    return slot;
  }

  // Leaked on purpose: handles may be freed while the process ends.
  static Shelf &shelf() {
    static std::atomic<Shelf *> current{nullptr};
    Shelf *own = current.load(std::memory_order_acquire);
    const std::uint64_t generation = platform::fork_generation();
    if (own != nullptr && own->generation == generation) return *own;
    auto fresh = std::make_unique<Shelf>();
    fresh->generation = generation;
    if (current.compare_exchange_strong(own, fresh.get(), std::memory_order_acq_rel)) return *fresh.release();
    return *own;
  }
};

}  // namespace cala::api

#include "core/cpu/reduce.h"

#include <atomic>
#include <cstring>

#include "core/array/casting.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 17;  // elements from which threads pay
constexpr int64_t kPiece = 1 << 16;     // elements of one task, about
constexpr int64_t kChunk = 2048;        // bytes of accumulators side by side

struct Axis {
    int64_t n, a, mask, to;  // size, and steps in bytes
};

// Axes that are walked together, the largest steps outside, merged where one step serves two.
struct Axes {
    SmallVector<Axis, 6> list;
    int64_t size = 1;

    void add(Axis x) {
        size *= x.n;
        if (x.n != 1) list.push_back(x);
    }
    void arrange() {
        if (list.size() > 1)  // it allocates
            std::stable_sort(list.begin(), list.end(),
                             [](const Axis& x, const Axis& y) { return std::abs(x.a) > std::abs(y.a); });
        int64_t last = 0;
        for (int64_t i = 1; i < list.size(); ++i) {
            Axis &outer = list[last], inner = list[i];
            if (outer.a == inner.a * inner.n && outer.mask == inner.mask * inner.n && outer.to == inner.to * inner.n)
                outer = {outer.n * inner.n, inner.a, inner.mask, inner.to};
            else list[++last] = inner;
        }
        if (list.empty()) list.push_back({1, 0, 0, 0});
        else list.resize(last + 1);
    }
    const Axis& inner() const { return list.back(); }
    // Offsets of a linear position, and how many steps of the inner axis are left there.
    struct Place {
        int64_t a = 0, mask = 0, to = 0, run = 0;
    };
    Place at(int64_t position) const {
        Place p;
        for (int64_t i = list.size() - 1; i >= 0; --i) {
            int64_t k = position % list[i].n;
            position /= list[i].n;
            if (i == list.size() - 1) p.run = list[i].n - k;
            p.a += k * list[i].a;
            p.mask += k * list[i].mask;
            p.to += k * list[i].to;
        }
        return p;
    }
};

void replace_masked(char* x, int64_t item, const char* mask, int64_t step, const char* by, int64_t n) {
    for (int64_t i = 0; i < n; ++i)
        if (!mask[i * step]) std::memcpy(x + i * item, by, size_t(item));
}

class Reducer {
public:
    Reducer(const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes, const Array& mask,
            const char* masked, const char* initial)
        : loop_(loop),
          item_(itemsize(loop.type)),
          cast_(cast_function(a.dtype(), loop.type)),
          masked_(masked),
          initial_(initial),
          to_type_(to.dtype()),
          a_(a.raw()),
          mask_(mask ? mask.raw() : nullptr),
          to_(to.raw()) {
        int64_t step = to.itemsize();
        Dims to_steps(a.ndim());
        for (int64_t i = a.ndim() - 1; i >= 0; --i) {
            if (std::find(axes.begin(), axes.end(), i) != axes.end()) continue;
            to_steps[i] = step;
            step *= a.dim(i);
        }
        for (int64_t i = 0; i < a.ndim(); ++i) {
            Axis x{a.dim(i), a.strides()[size_t(i)], mask ? mask.strides()[size_t(i)] : 0, to_steps[i]};
            if (to_steps[i]) {
                kept_.add(x);
            } else {
                if (x.a < 0) {  // the order does not matter
                    a_ += (x.n - 1) * x.a;
                    if (mask_) mask_ += (x.n - 1) * x.mask;
                    x.a = -x.a;
                    x.mask = -x.mask;
                }
                reduced_.add(x);
            }
        }
        kept_.arrange();
        reduced_.arrange();
        plain_ = a.dtype() == loop.type && !mask;
    }

    uint32_t run() {
        if (kept_.size == 0) return 0;
        if (reduced_.size == 0) {  // `initial` alone
            for (int64_t i = 0; i < kept_.size; ++i) finish(initial_, i, 1, false);
            return 0;
        }
        inner_ = kept_.size == 1 || (reduced_.size > 1 && std::abs(reduced_.inner().a) <= std::abs(kept_.inner().a));
        int64_t total = kept_.size * reduced_.size;
        columns_ = kept_.inner().n;
        width_ = std::min(columns_, kChunk / item_);
        chunks_ = (columns_ + width_ - 1) / width_;
        int64_t groups = kept_.size / columns_ * chunks_;
        // Pieces of the reduced axes where the kept ones give too few tasks.
        pieces_ = 1;
        piece_ = reduced_.size;
        if (total >= kParallel && groups < 8) {
            int64_t least = inner_ ? kPiece : kReduceBlock;
            while (least * 16 < reduced_.size) least *= 2;
            if (least < reduced_.size) {
                piece_ = least;
                pieces_ = (reduced_.size + piece_ - 1) / piece_;
            }
        }
        if (pieces_ > 1) {
            int64_t shape[] = {pieces_, kept_.size};
            partial_ = empty(shape, loop_.type);
        }
        int64_t n_tasks = groups * pieces_, batch = 1;
        if (total < kParallel) batch = n_tasks;
        else if (pieces_ == 1) batch = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, width_ * reduced_.size));
        std::atomic<uint32_t> flags{0};
        parallel_for((n_tasks + batch - 1) / batch, [&](int64_t b) {
            HardwareFlags hardware;
            for (int64_t i = b * batch; i < std::min(n_tasks, (b + 1) * batch); ++i) task(i / pieces_, i % pieces_);
            uint32_t raised = hardware.take();
            if (loop_.hardware_flags && raised) flags.fetch_or(raised, std::memory_order_relaxed);
        });
        if (pieces_ > 1) {
            HardwareFlags hardware;
            join_pieces(0, pieces_);
            for (int64_t i = 0; i < kept_.size; i += columns_) finish(partial_.raw() + i * item_, i, columns_, true);
            uint32_t raised = hardware.take();
            if (loop_.hardware_flags) flags.fetch_or(raised);
        }
        return flags.load();
    }

private:
    // `group`: a chunk of the inner kept axis at one place of the outer ones.
    void task(int64_t group, int64_t piece) {
        int64_t first = group % chunks_ * width_, n = std::min(width_, columns_ - first);
        int64_t position = group / chunks_ * columns_ + first, from = piece * piece_,
                count = std::min(piece_, reduced_.size - from);
        Axes::Place place = kept_.at(position);
        const char *a = a_ + place.a, *mask = mask_ ? mask_ + place.mask : nullptr;
        alignas(64) char acc[kChunk];
        if (inner_) {
            const Axis& step = kept_.inner();
            for (int64_t i = 0; i < n; ++i)
                fold_row(a + i * step.a, mask ? mask + i * step.mask : nullptr, from, count, acc + i * item_);
        } else {
            fold_rows(a, mask, from, count, n, acc);
        }
        if (pieces_ > 1) std::memcpy(partial_.raw() + (piece * kept_.size + position) * item_, acc, size_t(n * item_));
        else finish(acc, position, n, true);
    }

    // One result out of `count` elements of the reduced axes.
    void fold_row(const char* a, const char* mask, int64_t from, int64_t count, char* to) {
        const Axis& x = reduced_.inner();
        bool direct = plain_ && (x.a == item_ || x.n == 1);
        if (direct && reduced_.list.size() == 1) return loop_.fold(a + from * x.a, count, to);
        if (count > kReduceBlock) {
            int64_t half = half_of(count);
            alignas(16) char other[16];
            fold_row(a, mask, from, half, to);
            fold_row(a, mask, from + half, count - half, other);
            return loop_.rows(to, other, 0, 1, 1);
        }
        alignas(64) char block[kReduceBlock * 16];
        for (int64_t done = 0; done < count;) {
            Axes::Place p = reduced_.at(from + done);
            int64_t n = std::min(p.run, count - done);
            if (direct && n == count) return loop_.fold(a + p.a, count, to);
            cast_(a + p.a, x.a, block + done * item_, item_, n);
            if (mask) replace_masked(block + done * item_, item_, mask + p.mask, x.mask, masked_, n);
            done += n;
        }
        loop_.fold(block, count, to);
    }

    // A row of results out of `count` rows.
    void fold_rows(const char* a, const char* mask, int64_t from, int64_t count, int64_t n, char* to) {
        if (count > kReduceBlock) {
            int64_t half = half_of(count);
            alignas(64) char other[kChunk];
            fold_rows(a, mask, from, half, n, to);
            fold_rows(a, mask, from + half, count - half, n, other);
            return loop_.rows(to, other, 0, 1, n);
        }
        const Axis &row = reduced_.inner(), &column = kept_.inner();
        bool direct = plain_ && (column.a == item_ || n == 1);
        alignas(64) char buffer[kChunk];
        auto fetch = [&](const Axes::Place& p, int64_t i, char* into) {
            cast_(a + p.a + i * row.a, column.a, into, item_, n);
            if (mask) replace_masked(into, item_, mask + p.mask + i * row.mask, column.mask, masked_, n);
        };
        for (int64_t done = 0; done < count;) {
            Axes::Place p = reduced_.at(from + done);
            int64_t rows = std::min(p.run, count - done), i = 0;
            if (done == 0) fetch(p, i++, to);
            if (direct) loop_.rows(to, a + p.a + i * row.a, row.a, rows - i, n);
            else
                for (; i < rows; ++i) {
                    fetch(p, i, buffer);
                    loop_.rows(to, buffer, 0, 1, n);
                }
            done += rows;
        }
    }

    static int64_t half_of(int64_t count) { return ((count + kReduceBlock - 1) / kReduceBlock + 1) / 2 * kReduceBlock; }

    void join_pieces(int64_t first, int64_t n) {
        if (n == 1) return;
        int64_t half = (n + 1) / 2;
        join_pieces(first, half);
        join_pieces(first + half, n - half);
        loop_.rows(partial_.raw() + first * kept_.size * item_, partial_.raw() + (first + half) * kept_.size * item_, 0,
                   1, kept_.size);
    }

    // Results of the inner kept axis from `position` on go where they belong.
    void finish(const char* acc, int64_t position, int64_t n, bool fold_initial) {
        char* p = to_ + kept_.at(position).to;
        if (fold_initial && initial_) {
            alignas(16) char value[16];
            for (int64_t i = 0; i < n; ++i) {
                std::memcpy(value, initial_, size_t(item_));
                loop_.rows(value, acc + i * item_, 0, 1, 1);
                cast_elements(value, 0, loop_.type, p + i * kept_.inner().to, 0, to_type_, 1);
            }
            return;
        }
        cast_elements(acc, item_, loop_.type, p, kept_.inner().to, to_type_, n);
    }

    const ReduceLoop& loop_;
    int64_t item_;
    CastFn cast_;
    const char *masked_, *initial_;
    DType to_type_;
    const char *a_, *mask_;
    char* to_;
    Axes kept_, reduced_;
    bool plain_ = false, inner_ = false;
    int64_t columns_ = 1, width_ = 1, chunks_ = 1, pieces_ = 1, piece_ = 1;
    Array partial_;
};

}  // namespace

const ReduceLoop& reduce_loop(Fold fold, DType type) {
    static const ReduceTable& table = *loop_level().reductions;
    const ReduceLoop& loop = table.loops[int(fold)][int(type)];
    if (!loop.fold) throw_unsupported(type);
    return loop;
}

uint32_t reduce(const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes, const Array& mask,
                const char* masked, const char* initial) {
    // A small whole array at once, as the general way would fold it.
    if (to.size() == 1 && a.size() > 0 && a.size() <= kReduceBlock && a.is_contiguous() && a.dtype() == loop.type &&
        !mask && !initial) {
        alignas(16) char result[16];
        HardwareFlags hardware;
        loop.fold(a.raw(), a.size(), result);
        uint32_t raised = hardware.take();
        cast_elements(result, 0, loop.type, to.raw(), 0, to.dtype(), 1);
        return loop.hardware_flags ? raised : 0;
    }
    return Reducer(loop, to, a, axes, mask, masked, initial).run();
}

void find_along(const ReduceLoop& loop, const Array& to, const Array& a, int64_t axis) {
    if (to.size() == 0) return;
    int64_t n = a.dim(axis), step = a.strides()[size_t(axis)], item = itemsize(loop.type), to_step = to.itemsize();
    Axes kept;
    Dims to_steps(a.ndim());
    for (int64_t i = a.ndim() - 1; i >= 0; --i) {
        if (i == axis) continue;
        to_steps[i] = to_step;
        to_step *= a.dim(i);
    }
    for (int64_t i = 0; i < a.ndim(); ++i)
        if (i != axis) kept.add({a.dim(i), a.strides()[size_t(i)], 0, to_steps[i]});
    kept.arrange();
    CastFn cast = cast_function(a.dtype(), loop.type);
    bool plain = a.dtype() == loop.type;
    const Axis column = kept.inner();
    bool along = kept.size == 1 || std::abs(step) <= std::abs(column.a);
    int64_t width = std::min(column.n, kChunk / 16), chunks = (column.n + width - 1) / width;
    int64_t tasks = kept.size / column.n * chunks, batch = std::max<int64_t>(1, kPiece / (width * n));
    if (kept.size * n < kParallel) batch = tasks;
    parallel_for((tasks + batch - 1) / batch, [&](int64_t b) {
        for (int64_t t = b * batch; t < std::min(tasks, (b + 1) * batch); ++t) {
            int64_t first = t % chunks * width, columns = std::min(width, column.n - first);
            Axes::Place p = kept.at(t / chunks * column.n + first);
            alignas(64) char best[kChunk], buffer[kReduceBlock * 16];
            int64_t found[kChunk / 16];
            std::memset(best, 0, size_t((along ? 1 : columns) * item));  // loops compare with it before it is anything
            if (along) {
                for (int64_t j = 0; j < columns; ++j) {
                    const char* x = a.raw() + p.a + j * column.a;
                    found[j] = -1;
                    if (plain && (step == item || n == 1)) {
                        loop.find(x, n, 0, best, &found[j]);
                        continue;
                    }
                    for (int64_t i = 0; i < n; i += kReduceBlock) {
                        int64_t count = std::min(kReduceBlock, n - i);
                        cast(x + i * step, step, buffer, item, count);
                        loop.find(buffer, count, i, best, &found[j]);
                    }
                }
            } else {
                for (int64_t i = 0; i < n; ++i) {
                    const char* x = a.raw() + p.a + i * step;
                    if (!plain || (column.a != item && columns > 1)) {
                        cast(x, column.a, buffer, item, columns);
                        x = buffer;
                    }
                    loop.find_rows(x, columns, i, best, found);
                }
            }
            cast_elements(reinterpret_cast<char*>(found), 8, DType::int64, to.raw() + p.to, column.to, DType::int64,
                          columns);
        }
    });
}

}  // namespace minpy

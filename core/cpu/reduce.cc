#include "core/cpu/reduce.h"

#include <atomic>
#include <cstring>

#include "core/array/casting.h"
#include "core/array/element_size.h"
#include "core/cpu/elementwise.h"
#include "core/cpu/pool.h"

namespace minpy {
namespace {

constexpr int64_t kParallel = 1 << 17;  // elements from which threads pay
constexpr int64_t kRowCost = 12;        // what a row costs beside its elements, in elements (measured)
constexpr int64_t kShortRowCost = 3;    // one that is folded inside the loop
constexpr int64_t kPiece = 1 << 16;     // elements of one task, about
constexpr int64_t kChunk = 2048;        // bytes of accumulators side by side
constexpr int64_t kWideChunk = 8192;    // of a source, for which long runs pay

constexpr int64_t kLongRun = 128;   // elements that are folded where they lie
constexpr int64_t kSourceRun = 64;  // elements that are worth a call of a source

struct Axis {
    int64_t n, a, mask, other, to;  // size, and steps in bytes
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
            auto follows = [&](int64_t Axis::*step) { return outer.*step == inner.*step * inner.n; };
            if (follows(&Axis::a) && follows(&Axis::mask) && follows(&Axis::other) && follows(&Axis::to))
                outer = {outer.n * inner.n, inner.a, inner.mask, inner.other, inner.to};
            else list[++last] = inner;
        }
        if (list.empty()) list.push_back({1, 0, 0, 0, 0});
        else list.resize(last + 1);
    }
    const Axis& inner() const { return list.back(); }
    // Offsets of a linear position, and how many steps of the inner axis are left there.
    struct Place {
        int64_t a = 0, mask = 0, other = 0, to = 0, run = 0;
    };
    Place at(int64_t position) const {
        Place p;
        for (int64_t i = list.size() - 1; i >= 0; --i) {
            int64_t k = position % list[i].n;
            position /= list[i].n;
            if (i == list.size() - 1) p.run = list[i].n - k;
            p.a += k * list[i].a;
            p.mask += k * list[i].mask;
            p.other += k * list[i].other;
            p.to += k * list[i].to;
        }
        return p;
    }
};

void replace_masked(char* x, int64_t item, const char* mask, int64_t step, const char* by, int64_t n) {
    for_size(item, [&]<class T> {
        T *to = reinterpret_cast<T*>(x), value;
        std::memcpy(&value, by, sizeof value);
        if (step == 1)
            for (int64_t i = 0; i < n; ++i) to[i] = mask[i] ? to[i] : value;
        else
            for (int64_t i = 0; i < n; ++i) to[i] = mask[i * step] ? to[i] : value;
    });
}

class Reducer {
public:
    Reducer(const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes, const Array& mask,
            const char* masked, const char* initial, const Prepared& prepared, ElementSource* source)
        : loop_(loop),
          source_(source),
          prepare_(prepared.loop),
          item_(itemsize(loop.type)),
          given_item_(a.itemsize()),
          cast_(cast_function(a.dtype(), loop.type)),
          masked_(masked),
          initial_(initial),
          to_type_(to.dtype()),
          a_(source ? source->memory : a.raw()),
          mask_(mask ? mask.raw() : nullptr),
          other_(prepared.other ? prepared.other.raw() : nullptr),
          to_(to.raw()) {
        int64_t step = to.itemsize();
        Dims to_steps(a.ndim());
        for (int64_t i = a.ndim() - 1; i >= 0; --i) {
            if (std::find(axes.begin(), axes.end(), i) != axes.end()) continue;
            to_steps[i] = step;
            step *= a.dim(i);
        }
        for (int64_t i = 0; i < a.ndim(); ++i) {
            Axis x{a.dim(i), a.strides()[size_t(i)], mask ? mask.strides()[size_t(i)] : 0,
                   prepared.other ? prepared.other.strides()[size_t(i)] : 0, to_steps[i]};
            if (to_steps[i]) {
                kept_.add(x);
            } else {
                if (x.a < 0) {  // the order does not matter
                    first_ += (x.n - 1) * x.a;
                    if (mask_) mask_ += (x.n - 1) * x.mask;
                    if (other_) other_ += (x.n - 1) * x.other;
                    x.a = -x.a;
                    x.mask = -x.mask;
                    x.other = -x.other;
                }
                reduced_.add(x);
            }
        }
        kept_.arrange();
        reduced_.arrange();
        plain_ = a.dtype() == loop.type && !mask && !prepare_;
        counts_ = a.dtype() == DType::boolean && &loop == &reduce_loop(Fold::sum, DType::int64) && !mask && !prepare_;
        inner_ = kept_.size == 1 || (reduced_.size > 1 && std::abs(reduced_.inner().a) <= std::abs(kept_.inner().a));
        columns_ = kept_.inner().n;
        width_ = std::min(columns_, kChunk / item_);
        // Who stops early leaves elements of a source that nobody computes.
        if (loop.type == DType::boolean && kept_.size == 1 && !source) {
            if (&loop == &reduce_loop(Fold::max, DType::boolean)) decisive_ = 1;
            if (&loop == &reduce_loop(Fold::min, DType::boolean)) decisive_ = 0;
        }
    }

    // Whether all runs are long, or follow one another in memory.
    bool reads_runs() const {
        if (inner_) return reduced_.inner().n >= kSourceRun || rows_adjacent();
        return width_ >= kSourceRun || (plain_ && columns_ == width_ && reduced_.inner().a == columns_ * item_);
    }

    uint32_t run() {
        if (kept_.size == 0) return 0;
        if (reduced_.size == 0) {  // `initial` alone
            for (int64_t i = 0; i < kept_.size; ++i) finish(initial_, i, 1, false);
            return 0;
        }
        int64_t total = kept_.size * reduced_.size;
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
        if (source_ && !inner_) {  // the width has no say in the bits
            int64_t wide = std::min({columns_, kWideChunk / item_, kReduceBlock}),
                    chunks = (columns_ + wide - 1) / wide;
            if (total < kParallel || kept_.size / columns_ * chunks * pieces_ >= 8) {
                width_ = wide;
                chunks_ = chunks;
                groups = kept_.size / columns_ * chunks;
            }
        }
        int64_t n_tasks = groups * pieces_, batch = 1;
        int64_t beside = !inner_ ? 0 : reduced_.size < kShortFold ? kShortRowCost : kRowCost;
        int64_t cost = reduced_.size + beside;  // of one result
        if (kept_.size * cost < kParallel) batch = n_tasks;
        else if (pieces_ == 1) batch = std::max<int64_t>(1, kPiece / (width_ * cost));
        std::atomic<uint32_t> flags{0};
        parallel_for((n_tasks + batch - 1) / batch, [&](int64_t b) {
            Reader* reader = source_ ? &source_->take() : nullptr;
            HardwareFlags hardware;
            for (int64_t i = b * batch; i < std::min(n_tasks, (b + 1) * batch); ++i)
                task(i / pieces_, i % pieces_, reader);
            if (reader) source_->give_back(*reader);
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
    using Reader = ElementSource::Reader;

    // `group`: a chunk of the inner kept axis at one place of the outer ones.
    void task(int64_t group, int64_t piece, Reader* reader) {
        int64_t first = group % chunks_ * width_, n = std::min(width_, columns_ - first);
        int64_t position = group / chunks_ * columns_ + first, from = piece * piece_,
                count = std::min(piece_, reduced_.size - from);
        Axes::Place place = kept_.at(position);
        Source source{first_ + place.a, mask_ ? mask_ + place.mask : nullptr, other_ ? other_ + place.other : nullptr,
                      reader};
        alignas(64) char acc[kWideChunk];
        if (inner_ && pieces_ == 1 && rows_adjacent()) {
            fold_adjacent(source, count, n, acc);
        } else if (inner_) {
            const Axis& step = kept_.inner();
            for (int64_t i = 0; i < n; ++i) fold_row(source.moved(step, i), from, count, acc + i * item_);
        } else {
            fold_rows(source, from, count, n, acc);
        }
        if (pieces_ > 1) std::memcpy(partial_.raw() + (piece * kept_.size + position) * item_, acc, size_t(n * item_));
        else finish(acc, position, n, true);
    }

    struct Source {
        int64_t a;  // bytes from a_
        const char *mask, *other;
        Reader* reader;
        Source moved(const Axis& x, int64_t by) const {
            return {a + by * x.a, mask ? mask + by * x.mask : nullptr, other ? other + by * x.other : nullptr, reader};
        }
        Source moved(const Axes::Place& p) const {
            return {a + p.a, mask ? mask + p.mask : nullptr, other ? other + p.other : nullptr, reader};
        }
    };

    // Where n elements are that lie side by side: in `buffer` if they are nowhere else.
    const char* elements(const Source& s, int64_t n, char* buffer) {
        if (!source_) return a_ + s.a;
        s.reader->read(s.a / given_item_, n, a_ ? nullptr : buffer);
        return a_ ? a_ + s.a : buffer;
    }

    // The next n elements along an axis as they are folded; at most kReduceBlock.
    void fetch(const Source& s, const Axis& x, int64_t n, char* to) {
        if (source_) {
            alignas(64) char given[kReduceBlock * 16];
            cast_(elements(s, n, given), given_item_, to, item_, n);
        } else {
            cast_(a_ + s.a, x.a, to, item_, n);
        }
        if (prepare_) {
            alignas(64) char gathered[kReduceBlock * 16];
            const char* other = s.other;
            if (other && x.other != 0 && x.other != item_) {
                cast_elements(other, x.other, loop_.type, gathered, item_, loop_.type, n);
                other = gathered;
            }
            char* args[3] = {to, other ? const_cast<char*>(other) : to, to};
            prepare_->run(args, other && x.other == 0 ? 2u : 0u, n);
        }
        if (s.mask) replace_masked(to, item_, s.mask, x.mask, masked_, n);
    }

    // One result out of `count` elements of the reduced axes.
    void fold_row(const Source& s, int64_t from, int64_t count, char* to) {
        const Axis& x = reduced_.inner();
        if (decisive_ >= 0 && decided_.load(std::memory_order_relaxed)) {
            *to = char(decisive_);
            return;
        }
        if (counts_ && x.a == 1) return sum_bools(s, from, count, to);
        fold_some(s, x, from, count, to);
        if (decisive_ >= 0 && (*to != 0) == (decisive_ != 0)) decided_ = true;
    }
    void fold_some(const Source& s, const Axis& x, int64_t from, int64_t count, char* to) {
        bool direct = plain_ && (x.a == item_ || x.n == 1);
        if (direct && reduced_.list.size() == 1) return fold_run(s.moved(x, from), count, to);
        if (direct && x.n >= kLongRun) return fold_runs(s, from, count, to);
        if (count > kReduceBlock) {
            int64_t half = half_of(count);
            alignas(16) char other[16];
            fold_row(s, from, half, to);
            fold_row(s, from + half, count - half, other);
            return loop_.rows(to, other, 0, 1, 1);
        }
        alignas(64) char block[kReduceBlock * 16];
        for (int64_t done = 0; done < count;) {
            Axes::Place p = reduced_.at(from + done);
            int64_t n = std::min(p.run, count - done);
            if (direct && n == count) return fold_run(s.moved(p), count, to);
            fetch(s.moved(p), x, n, block + done * item_);
            done += n;
        }
        loop_.fold(block, count, to);
    }

    // A sum of bools.
    void sum_bools(const Source& s, int64_t from, int64_t count, char* to) {
        alignas(64) char block[kReduceBlock];
        int64_t total = 0;
        for (int64_t done = 0; done < count;) {
            Axes::Place p = reduced_.at(from + done);
            int64_t n = std::min({p.run, count - done, source_ ? kReduceBlock : INT64_MAX});
            total += count_true(reinterpret_cast<const uint8_t*>(elements(s.moved(p), n, block)), n);
            done += n;
        }
        std::memcpy(to, &total, sizeof total);
    }

    // Contiguous elements.
    void fold_run(const Source& s, int64_t count, char* to) {
        if (!source_) return loop_.fold(a_ + s.a, count, to);
        if (count > kReduceBlock) {  // the loop's own tree
            int64_t half = half_of(count);
            alignas(16) char other[16];
            fold_run(s, half, to);
            fold_run({s.a + half * item_, nullptr, nullptr, s.reader}, count - half, other);
            return loop_.rows(to, other, 0, 1, 1);
        }
        alignas(64) char block[kReduceBlock * 16];
        loop_.fold(elements(s, count, block), count, to);
    }

    // Whether what is folded to one result lies where that of the one before ends, and is short.
    bool rows_adjacent() const {
        return reduced_.list.size() == 1 && reduced_.size <= kReduceBlock / 2 && !mask_ && !prepare_ &&
               kept_.inner().a == reduced_.size * given_item_;
    }
    void fold_adjacent(const Source& s, int64_t count, int64_t n, char* to) {
        alignas(64) char block[kReduceBlock * 16], cast[kReduceBlock * 16];
        int64_t most = kReduceBlock / count;
        for (int64_t i = 0; i < n; i += most) {
            int64_t m = std::min(most, n - i);
            const char* x = elements(s.moved(kept_.inner(), i), m * count, block);
            if (!plain_) {
                cast_(x, given_item_, cast, item_, m * count);
                x = cast;
            }
            if (count < kShortFold) loop_.short_rows(x, count, m, to + i * item_);
            else
                for (int64_t k = 0; k < m; ++k) loop_.fold(x + k * count * item_, count, to + (i + k) * item_);
        }
    }

    // Runs of contiguous elements one by one, then what they gave.
    void fold_runs(const Source& s, int64_t from, int64_t count, char* to) {
        alignas(64) char block[kLongRun * 16];
        int64_t runs = 0;
        for (int64_t done = 0; done < count;) {
            Axes::Place p = reduced_.at(from + done);
            int64_t n = std::min(p.run, count - done);
            fold_run(s.moved(p), n, block + runs * item_);
            done += n;
            if (++runs == kLongRun && done < count) {
                loop_.fold(block, runs, block);
                runs = 1;
            }
        }
        loop_.fold(block, runs, to);
    }

    // A row of results out of `count` rows.
    void fold_rows(const Source& s, int64_t from, int64_t count, int64_t n, char* to) {
        if (count > kReduceBlock) {
            int64_t half = half_of(count);
            alignas(64) char other[kWideChunk];
            fold_rows(s, from, half, n, to);
            fold_rows(s, from + half, count - half, n, other);
            return loop_.rows(to, other, 0, 1, n);
        }
        const Axis &row = reduced_.inner(), &column = kept_.inner();
        bool direct = plain_ && (column.a == item_ || n == 1);
        alignas(64) char buffer[kWideChunk];
        for (int64_t done = 0; done < count;) {
            Axes::Place p = reduced_.at(from + done);
            Source first = s.moved(p);
            int64_t rows = std::min(p.run, count - done), i = 0;
            if (done == 0) fetch(first.moved(row, i++), column, n, to);
            if (direct && source_) fold_read_rows(first, i, rows, n, to);
            else if (direct) loop_.rows(to, a_ + first.a + i * row.a, row.a, rows - i, n);
            else
                for (; i < rows; ++i) {
                    fetch(first.moved(row, i), column, n, buffer);
                    loop_.rows(to, buffer, 0, 1, n);
                }
            done += rows;
        }
    }

    // Rows [i, rows) by fours, as the loop takes them.
    void fold_read_rows(const Source& first, int64_t i, int64_t rows, int64_t n, char* to) {
        constexpr int64_t kRows = 4 * kWideChunk;  // bytes
        alignas(64) char buffer[kRows];
        const Axis& row = reduced_.inner();
        bool adjacent = row.a == n * item_;
        int64_t most = kRows / (n * item_) / 4 * 4;
        for (; i < rows; i += most) {
            int64_t m = std::min(most, rows - i);
            Source s = first.moved(row, i);
            if (adjacent) elements(s, m * n, buffer);
            else
                for (int64_t k = 0; k < m; ++k) elements(s.moved(row, k), n, buffer + k * n * item_);
            if (a_) loop_.rows(to, a_ + s.a, row.a, m, n);
            else loop_.rows(to, buffer, n * item_, m, n);
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
    ElementSource* source_;
    const Loop* prepare_;
    int64_t item_, given_item_;
    CastFn cast_;
    const char *masked_, *initial_;
    DType to_type_;
    const char* a_;      // element 0; null where a source computes it into buffers
    int64_t first_ = 0;  // bytes from there to the first one that is folded
    const char *mask_, *other_;
    char* to_;
    Axes kept_, reduced_;
    bool plain_ = false, inner_ = false, counts_ = false;
    int decisive_ = -1;  // what one element decides alone, of any() and all()
    std::atomic<bool> decided_{false};
    int64_t columns_ = 1, width_ = 1, chunks_ = 1, pieces_ = 1, piece_ = 1;
    Array partial_;
};

}  // namespace

int64_t count_true(const uint8_t* x, int64_t n) {
    constexpr int64_t kSide = 64, kRows = 255;  // bytes side by side, widened before one can be full
    int64_t total = 0, i = 0;
    while (i + kSide <= n) {
        uint8_t side[kSide] = {};
        int64_t end = i + std::min((n - i) / kSide, kRows) * kSide;
        for (; i < end; i += kSide)
            for (int k = 0; k < kSide; ++k) side[k] = uint8_t(side[k] + (x[i + k] != 0));
        for (uint8_t ones : side) total += ones;
    }
    for (; i < n; ++i) total += x[i] != 0;
    return total;
}

const ReduceLoop& reduce_loop(Fold fold, DType type) {
    static const ReduceTable& table = *loop_level().reductions;
    const ReduceLoop& loop = table.loops[int(fold)][int(type)];
    if (!loop.fold) throw_unsupported(type);
    return loop;
}

const Loop* prepared_loop(const char* functor, DType type) {
    const LoopLevel& level = loop_level();
    for (int64_t t = 0; t < level.n_tables; ++t)
        for (int64_t i = 0; i < level.tables[t]->size; ++i) {
            const Loop& loop = level.tables[t]->loops[i];
            if (loop.types[0] == type && std::strcmp(loop.functor, functor) == 0) return &loop;
        }
    throw_unsupported(type);
}

uint32_t reduce(const ReduceLoop& loop, const Array& to, const Array& a, DimsView axes, const Array& mask,
                const char* masked, const char* initial, const Prepared& prepared, ElementSource* source) {
    // A small whole array at once, as the general way would fold it.
    if (to.size() == 1 && a.size() > 0 && a.size() <= kReduceBlock && a.is_contiguous() && a.dtype() == loop.type &&
        !mask && !initial && !prepared.loop && !source) {
        alignas(16) char result[16];
        HardwareFlags hardware;
        loop.fold(a.raw(), a.size(), result);
        uint32_t raised = hardware.take();
        cast_elements(result, 0, loop.type, to.raw(), 0, to.dtype(), 1);
        return loop.hardware_flags ? raised : 0;
    }
    return Reducer(loop, to, a, axes, mask, masked, initial, prepared, source).run();
}

bool reads_runs(const ReduceLoop& loop, const Array& a, DimsView axes, const Array& mask, const Prepared& prepared) {
    struct Nowhere : ElementSource {
        Reader& take() override { throw state_error("nothing is read"); }
        void give_back(Reader&) override {}
    } nowhere;
    // `a` may be pending: another thread may give it memory meanwhile, so not even its address is looked at.
    Array to = empty(DimsView{}, a.dtype());
    return Reducer(loop, to, a, axes, mask, nullptr, nullptr, prepared, &nowhere).reads_runs();
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
        if (i != axis) kept.add({a.dim(i), a.strides()[size_t(i)], 0, 0, to_steps[i]});
    kept.arrange();
    CastFn cast = cast_function(a.dtype(), loop.type);
    bool plain = a.dtype() == loop.type;
    // Elements [from, to) of a row: the best one and where it is.
    auto find_row = [&](const char* row, int64_t from, int64_t to, char* best, int64_t* found) {
        std::memset(best, 0, size_t(item));  // loops compare with it before it is anything
        *found = -1;
        if (plain && (step == item || n == 1)) return loop.find(row + from * step, to - from, from, best, found);
        alignas(64) char buffer[kReduceBlock * 16];
        for (int64_t i = from; i < to; i += kReduceBlock) {
            int64_t count = std::min(kReduceBlock, to - i);
            cast(row + i * step, step, buffer, item, count);
            loop.find(buffer, count, i, best, found);
        }
    };
    if (kept.size == 1 && n >= kParallel) {  // pieces of one row, then the best of their best
        int64_t pieces = (n + kPiece - 1) / kPiece, shape[] = {pieces};
        Array bests = empty(shape, loop.type), places = empty(shape, DType::int64);
        parallel_for(pieces, [&](int64_t k) {
            find_row(a.raw(), k * kPiece, std::min(n, (k + 1) * kPiece), bests.raw() + k * item,
                     places.raw_as<int64_t>() + k);
        });
        alignas(16) char best[16] = {};
        int64_t which = -1;
        loop.find(bests.raw(), pieces, 0, best, &which);
        *to.raw_as<int64_t>() = places.raw_as<int64_t>()[which];
        return;
    }
    const Axis column = kept.inner();
    bool along = kept.size == 1 || std::abs(step) <= std::abs(column.a);
    int64_t width = std::min(column.n, kChunk / 16), chunks = (column.n + width - 1) / width;
    int64_t tasks = kept.size / column.n * chunks, batch = std::max<int64_t>(1, kPiece / (width * n));
    if (kept.size * n < kParallel) batch = tasks;
    parallel_for((tasks + batch - 1) / batch, [&](int64_t b) {
        for (int64_t t = b * batch; t < std::min(tasks, (b + 1) * batch); ++t) {
            int64_t first = t % chunks * width, columns = std::min(width, column.n - first);
            Axes::Place p = kept.at(t / chunks * column.n + first);
            alignas(64) char best[kChunk], buffer[kChunk];
            int64_t found[kChunk / 16];
            if (along) {
                for (int64_t j = 0; j < columns; ++j) find_row(a.raw() + p.a + j * column.a, 0, n, best, &found[j]);
            } else {
                std::memset(best, 0, size_t(columns * item));
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

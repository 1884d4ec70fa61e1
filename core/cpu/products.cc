#include "core/cpu/products.h"

#include <algorithm>
#include <cstring>

#include "core/array/shape.h"
#include "core/cpu/allocator.h"
#include "core/cpu/levels.h"
#include "core/cpu/pool.h"
#include "core/cpu/scratch.h"

namespace minpy {

MINPY_LEVEL_TABLE(ProductTable, products)

namespace {

constexpr int64_t kDepth = 256;          // of a block whose panels of b stay in the first cache
constexpr int64_t kDeep = 384;           // of one whose panels come from far away: fewer passes over c
constexpr int64_t kRowBlock = 128;       // rows of a block of a, which stays in the second cache
constexpr int64_t kInPlace = 512 << 10;  // bytes of an operand that is read where it lies
constexpr double kNarrowWork = 2048;     // multiplications below which packing a narrow matrix costs more than it gives
constexpr int64_t kDirectRows = 256;     // of a, for which b is read where it lies
constexpr int64_t kDirect = 1 << 20;     // bytes of b that are for more rows: a second cache
constexpr int64_t kFewRows = 64;         // of a, for which b is read along its columns
constexpr int64_t kFew = 12;             // lines of a side that is few
constexpr int64_t kAcross = 32 << 10;    // bytes of a read at a time where the other side is few
constexpr int64_t kPacked = 12 << 20;    // bytes of b packed at a time
constexpr double kTaskWork = 2 << 20;    // multiplications, by bytes of an element, that are worth a task
constexpr int64_t kVectorTask = 512 << 10;  // bytes of a matrix that are worth a task where it meets a vector
constexpr int64_t kMostTasks = 128;

// [0, n) in `parts` of whole units, as equal as these allow.
struct Cut {
    int64_t n, parts, unit;
    Cut(int64_t n, int64_t parts, int64_t unit) : n(n), parts(parts), unit(unit) {
        this->parts = std::clamp<int64_t>(parts, 1, (n + unit - 1) / unit);
    }
    int64_t begin(int64_t i) const { return std::min(n, (n + unit - 1) / unit * i / parts * unit); }
    int64_t end(int64_t i) const { return i + 1 == parts ? n : begin(i + 1); }
};

struct Product {
    const ProductLoop& f;
    int64_t item;
    MatrixView a, b;
    char* c;
    int64_t c_step, m, n, k;
    bool add = false;  // to what c holds

    int64_t step(int64_t bytes) const { return bytes / item; }
    const char* left(int64_t i, int64_t l) const { return a.data + i * a.row_step + l * a.column_step; }
    const char* right(int64_t l, int64_t j) const { return b.data + l * b.row_step + j * b.column_step; }
    char* at(int64_t i, int64_t j) const { return c + (i * c_step + j) * item; }
    int64_t wide(int64_t columns) const { return (columns + f.width - 1) / f.width * f.width; }

    bool direct() const {
        // A block of a that is read column by column must not spread over more than that either.
        bool near = k * b.row_step <= kDirect && std::min(k, kDepth) * std::abs(a.column_step) <= kDirect;
        return b.column_step == item && n >= f.width && b.row_step >= n * item && (m <= kDirectRows || near);
    }
    // Lines that are a multiple of this apart push each other out of the first cache.
    static bool spread(int64_t step) { return step % 2048 != 0; }
    // A block of a is read once for each panel: packed where it would be read often, and from far apart.
    bool left_in_place() const {
        int64_t span = m * std::abs(a.row_step) + k * std::abs(a.column_step);
        if (span == 0) return false;  // one number everywhere: steps of 0 say that it is packed
        return n <= 2 * f.columns || (span <= kInPlace && spread(a.row_step) && spread(a.column_step));
    }
    int64_t tasks() const {
        double work = double(m) * double(n) * double(k) * double(item);
        return std::min<int64_t>(kMostTasks, std::max<int64_t>(1, int64_t(work / kTaskWork)));
    }

    // Both where they lie. Few rows are cut in columns first: each task reads its part of b once.
    void run_direct() const {
        int64_t wanted = std::min<int64_t>(tasks(), 4 * num_threads());
        Cut columns(n, m <= kDirectRows ? std::min(wanted, n / (2 * f.columns)) : 1, f.columns);
        Cut rows(m, std::min((wanted + columns.parts - 1) / columns.parts, m / 16), 8);
        parallel_for(rows.parts * columns.parts, [&](int64_t task) {
            int64_t i = task / columns.parts, x = task % columns.parts, from = rows.begin(i), first = columns.begin(x);
            for (int64_t l = 0; l < k; l += kDepth)
                f.direct(rows.end(i) - from, columns.end(x) - first, std::min(kDepth, k - l), left(from, l),
                         step(a.row_step), step(a.column_step), right(l, first), step(b.row_step), at(from, first),
                         c_step, add || l > 0);
        });
    }

    void left_block(int64_t i, int64_t rows, int64_t l, int64_t depth, int64_t j, int64_t columns, char* packed,
                    bool fresh, const char* panel) const {
        if (!packed)
            return f.block(rows, columns, depth, left(i, l), step(a.row_step), step(a.column_step), panel, at(i, j),
                           c_step, add || l > 0);
        if (fresh) f.pack_left(rows, depth, left(i, l), step(a.row_step), step(a.column_step), packed);
        f.block(rows, columns, depth, packed, 0, 0, panel, at(i, j), c_step, add || l > 0);
    }

    // Few rows: tasks are columns, and each panel of b is packed just before its use. Each task packs a for itself.
    void run_columns() const {
        int64_t depth = std::min(k, kDepth), panel = depth * f.columns * item;
        int64_t block = left_in_place() ? 0 : m * depth * item;
        Cut columns(n, std::min(tasks(), n / f.columns / (block ? 8 : 1)), f.width);
        Scratch scratch({0, panel + block}, columns.parts);
        parallel_for(columns.parts, [&](int64_t task) {
            Scratch::Slot part(scratch);
            char *packed = part.get(), *packed_left = block ? packed + panel : nullptr;
            for (int64_t l = 0; l < k; l += kDepth) {
                int64_t d = std::min(kDepth, k - l);
                for (int64_t j = columns.begin(task), first = j; j < columns.end(task); j += f.columns) {
                    int64_t width = std::min(f.columns, columns.end(task) - j);
                    f.pack_right(d, width, right(l, j), step(b.row_step), step(b.column_step), packed);
                    left_block(0, m, l, d, j, width, packed_left, j == first, packed);
                }
            }
        });
    }

    // Many rows: b is packed once for all, then tasks are blocks of rows.
    void run_rows() const {
        int64_t deep = std::min(k, 4 * kDeep), most = std::max(f.columns, kPacked / (deep * item));
        int64_t pieces = (n + most - 1) / most, many = (n / pieces / f.columns + 1) * f.columns;
        int64_t width = std::min(many, wide(n));
        Cut rows(m, ((m + kRowBlock - 1) / kRowBlock + 1) / 2 * 2, 8);
        int64_t block = left_in_place() ? 0 : ((m + 7) / 8 / rows.parts + 1) * 8 * std::min(k, kDeep) * item;
        Scratch shared({deep * width * item}, 1), scratch({0, block}, rows.parts * 8);
        char* packed = shared.shared();
        for (int64_t j = 0; j < n; j += many)
            for (int64_t l = 0; l < k; l += deep)
                run_rows_at(l, std::min(deep, k - l), j, std::min(many, n - j), rows, packed, block, scratch);
    }

    void run_rows_at(int64_t l, int64_t depth, int64_t j, int64_t columns, const Cut& rows, char* packed, int64_t block,
                     Scratch& scratch) const {
        int64_t across = wide(columns);  // blocks of b lie behind each other, each with all its panels
        auto panel = [&](int64_t d, int64_t x) {
            return packed + (d * across + x * std::min(kDeep, depth - d)) * item;
        };
        int64_t blocks = (depth + kDeep - 1) / kDeep;
        Cut packs(columns, std::max<int64_t>(1, depth * columns * item / (1 << 18)), f.columns);
        parallel_for(packs.parts, [&](int64_t i) {
            for (int64_t d = 0; d < depth; d += kDeep)
                f.pack_right(std::min(kDeep, depth - d), packs.end(i) - packs.begin(i),
                             right(l + d, j + packs.begin(i)), step(b.row_step), step(b.column_step),
                             panel(d, packs.begin(i)));
        });
        // Columns as well where there are fewer blocks of rows than the threads have use for: each part packs a again.
        double work = double(m) * double(columns) * double(depth) * double(item);
        int64_t wanted = std::min<int64_t>({kMostTasks, int64_t(work / kTaskWork), 4 * num_threads()});
        Cut parts(columns, std::clamp<int64_t>(wanted / rows.parts, 1, std::max<int64_t>(1, columns / 256)), f.columns);
        parallel_for(rows.parts * parts.parts, [&](int64_t task) {
            int64_t i = task / parts.parts, x = task % parts.parts, from = parts.begin(x);
            Scratch::Slot part(scratch);
            for (int64_t b = 0; b < blocks; ++b) {
                int64_t d = b * kDeep;
                left_block(rows.begin(i), rows.end(i) - rows.begin(i), l + d, std::min(kDeep, depth - d), j + from,
                           parts.end(x) - from, block ? part.get() : nullptr, true, panel(d, from));
            }
        });
    }

    // One side has few lines. What is read most lies along k, or across it, and is read where it lies, once; c comes out
    // turned around where that side is the left one.
    bool few_columns() const { return f.inner && n <= kFew && a.column_step == item && m >= 8 && k >= 4 * f.width; }
    bool few_rows() const { return f.inner && m <= kFew && b.row_step == item && n >= 8 && k >= 4 * f.width; }
    bool few_columns_across() const {
        return f.inner && n <= kFew && a.row_step == item && a.column_step >= m * item && m >= f.columns;
    }
    bool some_rows() const {
        return f.inner && m <= kFewRows && n >= 64 && k >= 32 && b.row_step == item && b.column_step >= k * item;
    }
    Product turned() const {
        return {f, item, {b.data, b.column_step, b.row_step}, {a.data, a.column_step, a.row_step}, c, c_step, n, m, k};
    }
    int64_t tasks_of(int64_t lines) const { return std::clamp(lines * k * item / kVectorTask, tasks(), kMostTasks); }

    // Sums along lines of a with those of b, which are filled up; into c, or turned around into the `left` one's.
    void run_inner(bool left_is_few) const {
        const Product p = left_is_few ? turned() : *this;
        int64_t line = wide(k);
        Scratch shared({p.n * line * item}, 1);
        char* few = shared.shared();
        bool along = p.b.row_step == item, across = !along && p.b.column_step == item;
        if (across) f.turn(p.n, k, p.b.data, step(p.b.row_step), few, line, false);
        for (int64_t j = 0; j < p.n; ++j) {
            char* to = few + j * line * item;
            std::memset(to + k * item, 0, size_t((line - k) * item));
            if (along) std::memcpy(to, p.right(0, j), size_t(k * item));
            for (int64_t l = 0; l < k && !along && !across; ++l)
                std::memcpy(to + l * item, p.right(l, j), size_t(item));
        }
        Cut lines(p.m, p.tasks_of(p.m), 4);
        Scratch scratch({0, left_is_few ? (p.m / lines.parts + 12) * p.n * item : 0}, lines.parts);
        parallel_for(lines.parts, [&](int64_t task) {
            Scratch::Slot part(scratch);
            int64_t from = lines.begin(task), rows = lines.end(task) - from;
            if (!left_is_few)
                return f.inner(rows, n, k, left(from, 0), step(a.row_step), few, line, at(from, 0), c_step);
            f.inner(rows, p.n, k, p.left(from, 0), step(p.a.row_step), few, line, part.get(), p.n);
            f.turn(m, rows, part.get(), p.n, at(0, from), c_step, false);
        });
    }

    // Rows of a, turned around, are read in the order in which they lie, a piece of each that the first cache holds.
    void run_across() const {
        const Product p = turned();
        Cut columns(p.n, std::min(p.tasks_of(p.n), p.n / (2 * f.columns)), f.columns);
        int64_t width = p.n / columns.parts + 2 * f.columns, depth = std::max<int64_t>(8, kAcross / (width * item));
        Scratch scratch({0, p.m * width * item}, columns.parts);
        parallel_for(columns.parts, [&](int64_t task) {
            Scratch::Slot part(scratch);
            int64_t from = columns.begin(task), many = columns.end(task) - from;
            for (int64_t l = 0; l < k; l += depth)
                f.direct(p.m, many, std::min(depth, k - l), p.left(0, l), step(p.a.row_step), step(p.a.column_step),
                         p.right(l, from), step(p.b.row_step), part.get(), many, l > 0);
            f.turn(many, n, part.get(), many, at(from, 0), c_step, add);
        });
    }

    // Columns of b lie along k: they are the rows of a product turned around, whose panel is a.
    void run_turned() const {
        const Product p = turned();
        int64_t across = wide(m);
        Scratch shared({k * across * item}, 1);
        char* packed = shared.shared();
        for (int64_t l = 0; l < k; l += kDepth)
            f.pack_right(std::min(kDepth, k - l), m, p.right(l, 0), step(p.b.row_step), step(p.b.column_step),
                         packed + l * across * item);
        Cut rows(p.m, std::max<int64_t>(tasks(), p.m * across * item / (64 << 10)), 8);
        Scratch scratch({0, (p.m / rows.parts + 16) * across * item}, rows.parts);
        parallel_for(rows.parts, [&](int64_t task) {
            Scratch::Slot part(scratch);
            int64_t from = rows.begin(task), many = rows.end(task) - from;
            for (int64_t l = 0; l < k; l += kDepth)
                f.block(many, across, std::min(kDepth, k - l), p.left(from, l), step(p.a.row_step),
                        step(p.a.column_step), packed + l * across * item, part.get(), across, l > 0);
            f.turn(m, many, part.get(), across, at(0, from), c_step, add);
        });
    }

    bool is_narrow() const { return n <= kNarrow && n < f.width && double(m) * double(n) * double(k) <= kNarrowWork; }
    void run() const {
        if (is_narrow())
            f.narrow(m, n, k, a.data, step(a.row_step), step(a.column_step), b.data, step(b.row_step),
                     step(b.column_step), c, c_step);
        else if (few_columns() || few_rows()) run_inner(!few_columns());
        else if (few_columns_across()) run_across();
        else if (direct()) run_direct();
        else if (some_rows()) run_turned();
        else if (m <= 2 * kRowBlock && (left_in_place() || n >= 64 * f.columns)) run_columns();
        else run_rows();
    }
};

// A small result of long sums: parts of the sums side by side, then their sum, in the same order always.
template <class T> void sum_parts(const T* parts, int64_t n_parts, T* c, int64_t c_step, int64_t m, int64_t n) {
    for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
            T sum = parts[i * n + j];
            for (int64_t p = 1; p < n_parts; ++p) sum += parts[p * m * n + i * n + j];
            c[i * c_step + j] = sum;
        }
}
void add_up(DType t, const char* parts, int64_t n_parts, char* c, int64_t c_step, int64_t m, int64_t n) {
    for_dtype<kFloat>(t, [&]<class T> {
        sum_parts(reinterpret_cast<const T*>(parts), n_parts, reinterpret_cast<T*>(c), c_step, m, n);
    });
}

}  // namespace

bool has_product_loops(DType t) {
    return products_table().loops[int(t)].block && (products_table().multiplies_and_adds || !in(t, kFloat));
}

bool tiled_product_with_vector(DType t, const MatrixView& a, const char* x, int64_t x_step, char* y, int64_t m,
                               int64_t k) {
    const ProductLoop& f = products_table().loops[int(t)];
    int64_t item = itemsize(t), tasks = std::clamp<int64_t>(m * k * item / kVectorTask, 1, kMostTasks);
    if (a.column_step != item && k > 1) {
        if (a.row_step != item && m > 1) return false;
        Cut cut(m, std::min(tasks, m / 256), 64);
        parallel_for(cut.parts, [&](int64_t i) {
            int64_t from = cut.begin(i);
            f.sums(cut.end(i) - from, k, a.data + from * item, a.column_step / item, x, x_step / item, y + from * item);
        });
        return true;
    }
    Scratch line({x_step == item || k == 1 ? 0 : k * item}, 1);
    if (char* to = line.shared()) {
        for (int64_t l = 0; l < k; ++l) std::memcpy(to + l * item, x + l * x_step, size_t(item));
        x = to;
    }
    // Few long rows are cut in parts of their sums.
    if (m < tasks && tasks > 1) {
        Cut parts(k, tasks / m, 1024);
        Scratch sums({parts.parts * m * item}, 1);
        char* to = sums.shared();
        parallel_for(parts.parts, [&](int64_t i) {
            int64_t from = parts.begin(i) * item;
            f.dots(m, parts.end(i) - parts.begin(i), a.data + from, a.row_step / item, x + from, to + i * m * item);
        });
        add_up(t, to, parts.parts, y, 1, m, 1);
        return true;
    }
    Cut rows(m, tasks, 2);
    parallel_for(rows.parts, [&](int64_t i) {
        int64_t from = rows.begin(i);
        f.dots(rows.end(i) - from, k, a.data + from * a.row_step, a.row_step / item, x, y + from * item);
    });
    return true;
}

void tiled_product(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t c_step, int64_t m, int64_t n,
                   int64_t k) {
    Product p{products_table().loops[int(t)], itemsize(t), a, b, c, c_step, m, n, k};
    int64_t parts = m * n > (1 << 14) || k < 4096 || !in(t, kFloat) ? 1 : std::min(p.tasks(), k / 1024);
    if (parts < 2) return p.run();
    Scratch sums({checked_mul(parts, m * n * p.item)}, 1);
    char* to = sums.shared();
    Cut cut(k, parts, 16);
    parallel_for(cut.parts, [&](int64_t i) {
        Product one = p;
        one.a.data = p.left(0, cut.begin(i)), one.b.data = p.right(cut.begin(i), 0);
        one.k = cut.end(i) - cut.begin(i);
        one.c = to + i * m * n * p.item, one.c_step = n;
        one.run();
    });
    add_up(t, to, cut.parts, c, c_step, m, n);
}

bool add_tiled_product(DType t, const MatrixView& a, const MatrixView& b, char* c, int64_t m, int64_t n, int64_t k) {
    if (!in(t, kFloat) || !has_product_loops(t)) return false;
    Product p{products_table().loops[int(t)], itemsize(t), a, b, c, n, m, n, k, true};
    if (m < 2 || n < 2 || k > kDepth || p.is_narrow() || p.few_columns() || p.few_rows()) return false;
    p.run();
    return true;
}

PackedRight::PackedRight(DType t, const MatrixView& b, int64_t k, int64_t n)
    : f_(products_table().loops[int(t)]),
      item_(itemsize(t)),
      k_(k),
      n_(n),
      across_((n + f_.width - 1) / f_.width * f_.width),
      bytes_(checked_mul(checked_mul(k, across_), item_)),
      data_(bytes_ ? static_cast<char*>(allocate(bytes_)) : nullptr) {
    for (int64_t l = 0; l < k; l += kDepth)
        f_.pack_right(std::min(kDepth, k - l), n, b.data + l * b.row_step, b.row_step / item_, b.column_step / item_,
                      data_ + l * across_ * item_);
}

PackedRight::~PackedRight() {
    if (data_) deallocate(data_, bytes_);
}

void PackedRight::add_product(int64_t m, const char* a, int64_t a_step, char* c, int64_t c_step) const {
    for (int64_t l = 0; l < k_; l += kDepth)
        f_.block(m, n_, std::min(kDepth, k_ - l), a + l * item_, a_step, 1, data_ + l * across_ * item_, c, c_step,
                 true);
}

}  // namespace minpy

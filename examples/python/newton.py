"""Newton's method with derivatives through Python's own loop: the fit of a circle to noisy points.

The Hessian is the Jacobian of the gradient; nothing is declared, the tape follows what runs.
"""

import minpy.numpy as np
from minpy.core import grad, hessian


def distance(circle, points):
    """Sum of the squared distances of the points from the circle (x, y, radius)."""
    offset = points - circle[:2]
    return np.sum((np.sqrt(np.sum(offset * offset, axis=1)) - circle[2]) ** 2)


def fit(points, circle, steps=10):
    """The circle, and the number of steps until the gradient vanished."""
    for step in range(steps):
        slope = grad(distance)(circle, points)
        if np.max(np.abs(slope)) < 1e-9:
            return circle, step
        circle = circle - np.linalg.solve(hessian(distance)(circle, points), slope)
    return circle, steps


def main():
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, 50)
    points = np.stack([3 + 2 * np.cos(angle), 1 + 2 * np.sin(angle)], axis=1) + random.normal(0, 0.05, (50, 2))
    circle, steps = fit(points, np.array([2.5, 1.5, 1.5]))
    print(f"centre ({circle[0]:.3f}, {circle[1]:.3f}), radius {circle[2]:.3f} after {steps} steps")


if __name__ == "__main__":
    main()

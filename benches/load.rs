//! Many requests at once, and how long each took.

use std::time::{Duration, Instant};

/// How long requests took, the shortest first, and all of them together.
pub struct Load {
    latencies: Vec<Duration>,
    all: Duration,
}

impl Load {
    /// Has so many workers at once do `work` so many times each. A worker is made before the clock runs, and is given the
    /// number of each time among all of them.
    pub fn of<W: Send>(
        workers: usize,
        each: usize,
        make: impl FnMut(usize) -> W,
        work: impl Fn(&mut W, usize) + Sync,
    ) -> Self {
        let made: Vec<W> = (0..workers).map(make).collect();
        let work = &work;
        let started = Instant::now();
        let latencies = std::thread::scope(|scope| {
            let begin = |(worker, mut made): (usize, W)| {
                let once = move |time: usize| {
                    let begun = Instant::now();
                    work(&mut made, worker + time * workers);
                    begun.elapsed()
                };
                scope.spawn(move || (0..each).map(once).collect::<Vec<_>>())
            };
            // All are started before the first is waited for.
            let threads: Vec<_> = made.into_iter().enumerate().map(begin).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("a worker's end")).collect()
        });
        Self::new(latencies, started.elapsed())
    }

    pub fn new(mut latencies: Vec<Duration>, all: Duration) -> Self {
        latencies.sort();
        Self { latencies, all }
    }

    /// Takes another's requests for its own.
    pub fn join(self, other: Self) -> Self {
        Self::new([self.latencies, other.latencies].concat(), self.all + other.all)
    }

    /// Milliseconds within which that many of a hundred were done.
    pub fn percentile(&self, of_hundred: usize) -> f64 {
        let place = (self.latencies.len() * of_hundred).div_ceil(100).max(1) - 1;
        self.latencies[place].as_secs_f64() * 1000.0
    }

    /// How many were done in a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.all.as_secs_f64()
    }
}

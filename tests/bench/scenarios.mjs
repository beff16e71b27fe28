/** What `make bench` measures, and what each figure is held against: the promises of `docs/benchmarks.md`. */

/**
 * Loads for `channel-load`: rooms, members, its options, and which of its figures are shown. `phoenix`, `must` and `goal` are in
 * the figure's own unit.
 */
export const LOADS = {
  fanout: {
    title: '100 rooms × 10 members, 10 messages/s each',
    rooms: 100,
    members: 10,
    options: ['--mode', 'open', '--rate', '10'],
    figures: [{ ...cpuPerDelivery(), phoenix: 25.3, must: 15.2, goal: 10 }, latency()],
  },
  crowd: {
    title: '1 room × 1000 members, 10 messages/s',
    rooms: 1,
    members: 1000,
    options: ['--mode', 'open', '--rate', '10', '--senders', '10'],
    figures: [{ ...cpuPerDelivery(), phoenix: 12.3, must: 10.5, goal: 7 }, userPerDelivery(), latency()],
  },
  saturated: {
    title: '100 rooms × 10 members, as fast as it goes, 4 messages in flight a room',
    rooms: 100,
    members: 10,
    options: ['--mode', 'closed', '--window', '4'],
    figures: [{ ...cpuPerDelivery(), phoenix: 9.5, must: 5.7, goal: 4 }, deliveries()],
  },
  idle: {
    title: '200 rooms × 10 members that say nothing',
    rooms: 200,
    members: 10,
    options: ['--mode', 'idle', '--settle', '3', '--duration', '35'],
    figures: [
      {
        name: 'memory per joined connection',
        unit: 'KB',
        of: ({ server }) => server.rss_per_connection / 1e3,
        phoenix: 29,
        must: 14.5,
        goal: 8,
      },
      {
        name: 'memory of the empty server',
        unit: 'MiB',
        of: ({ emptyRss }) => emptyRss / 2 ** 20,
        phoenix: 138,
        must: 69,
        goal: 20,
      },
    ],
  },
  storm: {
    title: '2,000 connects and joins at once',
    rooms: 200,
    members: 10,
    options: ['--mode', 'idle', '--connect-concurrency', '2000', '--duration', '1'],
    figures: [
      {
        name: 'CPU per connect and join',
        unit: 'µs',
        of: ({ server }) => server.connect_cpu_us_per_join,
        phoenix: 175,
        must: 87.5,
        goal: 60,
      },
      { name: 'all joined after', unit: 's', of: (report) => report.all_joined_s, phoenix: 0.25 },
    ],
  },
};

/** Rooms made over HTTP, so many, with so many requests under way. */
export const ROOMS = { title: '10,000 rooms made over HTTP, 64 requests under way', rooms: 10_000, concurrency: 64 };

/** The limits on clients suit people; a load test is not people. Printed with the figures. */
export const LIMITS = {
  VIDEOROOMS__LIMITS__HTTP_PER_SECOND: '1000000',
  VIDEOROOMS__LIMITS__SOCKETS_PER_SECOND: '1000000',
  VIDEOROOMS__LIMITS__MAX_SOCKETS: '100000',
  VIDEOROOMS__LIMITS__FRAMES_PER_SECOND: '1000000',
  VIDEOROOMS__LIMITS__JOINS_PER_SECOND: '1000000',
  VIDEOROOMS__LIMITS__PUSHES_PER_SECOND: '1000000',
  VIDEOROOMS__LIMITS__ROOM_PUSHES_PER_SECOND: '1000000',
  VIDEOROOMS__LOG__FILTER: 'warn',
};

function cpuPerDelivery() {
  return { name: 'CPU per delivery', unit: 'µs', of: ({ server }) => server.cpu_s_per_million_deliveries };
}

function userPerDelivery() {
  const of = ({ server, delivered }) => (server.user_s / delivered) * 1e6;
  return { name: 'of it user time', unit: 'µs', of, phoenix: 3.4, must: 1.7 };
}

function latency() {
  return { name: 'latency, p99', unit: 'ms', of: ({ latency_us }) => latency_us.p99 / 1e3 };
}

function deliveries() {
  return { name: 'deliveries', unit: '1/s', of: (report) => report.deliveries_per_s };
}

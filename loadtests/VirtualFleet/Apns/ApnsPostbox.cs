using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace FleetMdm.VirtualFleet.Apns;

/// <summary>
/// The iPads as APNs knows them: their tokens, who is connected, and the newest notification for each that is not.
/// Notifications are handed to iPads on the thread pool, never on the request of the sender.
/// </summary>
internal sealed class ApnsPostbox(TimeProvider time, bool acceptUnknownTokens)
{
    /// <summary>As long as APNs' tokens are today.</summary>
    private const int TokenLength = 32;

    private readonly ConcurrentDictionary<string, Box> _boxes = new(StringComparer.Ordinal);

    public byte[] Register(string topic)
    {
        var token = RandomNumberGenerator.GetBytes(TokenLength);
        _boxes[Convert.ToHexStringLower(token)] = new Box(topic);
        return token;
    }

    public void Unregister(byte[] token)
    {
        var box = Find(Convert.ToHexStringLower(token)) ?? throw new ArgumentException("No iPad has this token.", nameof(token));
        lock (box)
        {
            box.DeadSince = time.GetUtcNow();
            box.Stored = null;
        }
    }

    public Box? Find(string token) => _boxes.GetValueOrDefault(token)
        ?? (acceptUnknownTokens ? _boxes.GetOrAdd(token, static _ => new Box(null)) : null);

    public IDisposable Connect(byte[] token, Action<ApnsNotification> handler)
    {
        var box = Find(Convert.ToHexStringLower(token)) ?? throw new ArgumentException("No iPad has this token.", nameof(token));
        var connection = new Connection(box, handler);
        lock (box)
        {
            box.Online = connection;
            if (box.Stored is { } stored && stored.Until > time.GetUtcNow())
                Deliver(connection, stored.Notification);
            box.Stored = null;
        }
        return connection;
    }

    /// <summary>Delivers it now, or keeps it as the only one for an iPad that is away.</summary>
    /// <param name="until">Until when it is kept; in the past: it is not.</param>
    public void Post(Box box, ApnsNotification notification, DateTimeOffset until)
    {
        lock (box)
        {
            if (box.Online is { } online)
                Deliver(online, notification);
            else if (until > time.GetUtcNow())
                box.Stored = (notification, until);
        }
    }

    private static void Deliver(Connection connection, ApnsNotification notification) =>
        ThreadPool.UnsafeQueueUserWorkItem(
            static work => work.connection.Handler(work.notification), (connection, notification), preferLocal: false);

    /// <summary>What APNs knows of one token. Locked by itself.</summary>
    internal sealed class Box(string? topic)
    {
        /// <summary>Null: unknown tokens are accepted, for every topic.</summary>
        public string? Topic { get; } = topic;
        public DateTimeOffset? DeadSince { get; set; }
        public Connection? Online { get; set; }
        public (ApnsNotification Notification, DateTimeOffset Until)? Stored { get; set; }
    }

    internal sealed class Connection(Box box, Action<ApnsNotification> handler) : IDisposable
    {
        public Action<ApnsNotification> Handler { get; } = handler;

        public void Dispose()
        {
            lock (box)
            {
                if (box.Online == this)
                    box.Online = null;
            }
        }
    }
}

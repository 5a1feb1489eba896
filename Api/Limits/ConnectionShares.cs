using FleetMdm.Api.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace FleetMdm.Api.Limits;

internal sealed partial class ConnectionLimit
{
    /// <summary>One listener, and who makes room when it is full.</summary>
    private sealed class Listener(ConnectionLimit limit)
    {
        private readonly Lock _lock = new();
        private readonly SharedLine<Held> _open = new(newestFirst: true);
        private int _leaving;

        public async Task Hold(ConnectionContext connection, ConnectionDelegate next)
        {
            var held = new Held(connection);
            if (!TryAdd(held, out var other))
            {
                limit._refused.Add(1);
                connection.Abort();
                return;
            }

            if (other is not null) MakeRoom(other);
            connection.Features.Set(held);
            try
            {
                await next(connection);
            }
            finally
            {
                Leave(held);
            }
        }

        private bool TryAdd(Held held, out Held? other)
        {
            other = null;
            var address = ClientAddress.Of(held.Connection);
            // A proxy's connections are its clients'.
            var key = limit._clients.IsProxy(address) ? UInt128.MaxValue - (UInt128)(uint)held.GetHashCode() : ClientAddress.KeyOf(address);
            lock (_lock)
            {
                if (_open.Count >= limit._most)
                {
                    if (_leaving >= MostLeaving || _open.LastOfHeavierThan(key) is not { } heavier) return false;
                    other = heavier.Item;
                    _open.Remove(heavier);
                    other.IsLeaving = true;
                    _leaving++;
                }

                held.Entry = _open.Add(key, held);
                return true;
            }
        }

        private void Leave(Held held)
        {
            lock (_lock)
            {
                if (held.IsLeaving) _leaving--;
                else _open.Remove(held.Entry!);
            }

            held.Finish?.Dispose();
        }

        private void MakeRoom(Held other)
        {
            limit._displaced.Add(1);
            if (!other.IsEstablished || other.Lifetime is not { } lifetime)
            {
                other.Connection.Abort();
                return;
            }

            other.Finish = limit._time.CreateTimer(
                static connection => ((ConnectionContext)connection!).Abort(), other.Connection, TimeToFinish, Timeout.InfiniteTimeSpan);
            lifetime.RequestClose();
        }
    }
}

/// <summary>A connection of a listener that counts.</summary>
internal sealed class Held(ConnectionContext connection)
{
    private volatile bool _established = true;

    public ConnectionContext Connection => connection;

    /// <summary>Taken at once: features are not for other threads.</summary>
    public IConnectionLifetimeNotificationFeature? Lifetime { get; } = connection.Features.Get<IConnectionLifetimeNotificationFeature>();

    /// <summary>False while its TLS handshake is waited for.</summary>
    public bool IsEstablished
    {
        get => _established;
        set => _established = value;
    }

    public SharedLine<Held>.Entry? Entry { get; set; }

    public bool IsLeaving { get; set; }

    public ITimer? Finish { get; set; }
}

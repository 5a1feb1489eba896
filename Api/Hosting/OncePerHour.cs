using System.Net;

namespace FleetMdm.Api.Hosting;

/// <summary>Whether something is to be said of an address, or of an iPad, that was not said of it in the last hour.</summary>
/// <remarks>Remembers at most <see cref="Capacity"/>; while all of them are younger than an hour, nothing is said of others: metrics count them. One lock.</remarks>
internal sealed class OncePerHour(TimeProvider time)
{
    internal const int Capacity = 4096;

    private static readonly TimeSpan Silence = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, DateTimeOffset> _said = [];
    private readonly Queue<(string Subject, DateTimeOffset At)> _order = new();

    public bool IsDue(IPAddress? address) => IsDue(address?.ToString() ?? "");

    public bool IsDue(string subject)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            while (_order.TryPeek(out var oldest) && now - oldest.At >= Silence)
            {
                _order.Dequeue();
                if (_said.TryGetValue(oldest.Subject, out var last) && last == oldest.At) _said.Remove(oldest.Subject);
            }

            if (_order.Count >= Capacity || (_said.TryGetValue(subject, out var at) && (now - at).Duration() < Silence)) return false;
            _said[subject] = now;
            _order.Enqueue((subject, now));
            return true;
        }
    }
}

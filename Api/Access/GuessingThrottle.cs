using System.Net;
using FleetMdm.Api.Hosting;

namespace FleetMdm.Api.Access;

/// <summary>Slows down those who try tokens: so many failures an address and span of time.</summary>
/// <remarks>
/// Failures are counted in two generations, of which the older is dropped each <see cref="Span"/>, or sooner when the newer is
/// full: memory is bounded whatever comes. IPv6 counts by /64, which is what one household or server is given.
/// </remarks>
/// <param name="time">The clock.</param>
/// <param name="most">Failures of one address in a span.</param>
public sealed class GuessingThrottle(TimeProvider time, int most = GuessingThrottle.MostFailures)
{
    /// <summary>32 random bytes cannot be guessed; the bound keeps the attempt from costing us anything, and leaves room for the
    /// mistakes of a school behind one address.</summary>
    public const int MostFailures = 30;

    public static readonly TimeSpan Span = TimeSpan.FromMinutes(1);

    private const int MostAddresses = 10_000;

    private readonly Lock _lock = new();
    private Dictionary<UInt128, int> _newer = [];
    private Dictionary<UInt128, int> _older = [];
    private DateTimeOffset _turnedAt = time.GetUtcNow();

    public bool IsThrottled(IPAddress? address)
    {
        var key = ClientAddress.KeyOf(address);
        lock (_lock)
        {
            Turn();
            return _newer.GetValueOrDefault(key) + _older.GetValueOrDefault(key) >= most;
        }
    }

    public void CountFailure(IPAddress? address)
    {
        var key = ClientAddress.KeyOf(address);
        lock (_lock)
        {
            Turn();
            _newer[key] = _newer.GetValueOrDefault(key) + 1;
        }
    }

    private void Turn()
    {
        var now = time.GetUtcNow();
        var age = now - _turnedAt;
        if (age < Span && _newer.Count < MostAddresses) return;
        _older = age < Span * 2 ? _newer : [];
        _newer = [];
        _turnedAt = now;
    }
}

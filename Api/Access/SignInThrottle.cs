using System.Net;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Api.Hosting;

namespace FleetMdm.Api.Access;

/// <summary>Slows down those who try passwords: pauses that grow, for each account and address by itself. Nobody is locked out by what others do elsewhere, and a
/// browser that has signed in before has a count of its own.</summary>
/// <remarks>
/// Counts are of this node. A try counts before it is looked at: any number at once are no more than one after the other. They are kept in two generations, of which
/// the older is dropped each <see cref="Span"/>, or sooner when the newer is full: memory is bounded whatever comes. An address that tries one account
/// after the other is slowed by its own count.
/// </remarks>
public sealed class SignInThrottle(TimeProvider time)
{
    /// <summary>People mistype, and try the password before the newest.</summary>
    public const int FreeTries = 5;

    /// <summary>Of one address in a minute, for all accounts: a whole school may be behind it.</summary>
    public const int MostOfAddress = 100;

    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Span = TimeSpan.FromMinutes(15);
    private const int MostKeys = 20_000;

    private readonly Lock _lock = new();
    private readonly GuessingThrottle _addresses = new(time, MostOfAddress);
    private Dictionary<string, (int Tries, DateTimeOffset NotBefore)> _newer = new(StringComparer.Ordinal);
    private Dictionary<string, (int Tries, DateTimeOffset NotBefore)> _older = new(StringComparer.Ordinal);
    private DateTimeOffset _turnedAt = time.GetUtcNow();

    /// <summary>As short as any, however long the name is that a stranger sends.</summary>
    public static string OfAddress(IPAddress? address, string userName) =>
        $"{ClientAddress.KeyOf(address):x} {Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(userName.ToLowerInvariant())).AsSpan(0, 16))}";

    public static string OfDevice(string device, string accountId) => $"device {device} {accountId}";

    /// <summary>The time after this many tries.</summary>
    public static TimeSpan Pause(int tries) => tries < FreeTries
        ? TimeSpan.Zero
        : TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(tries - FreeTries, 20)));

    /// <summary>Counts a try.</summary>
    /// <returns>Zero: it may be looked at. Otherwise how long to wait, and nothing was counted.</returns>
    public TimeSpan Take(string key)
    {
        lock (_lock)
        {
            var now = Turn();
            var (tries, notBefore) = Known(key);
            if (notBefore > now) return notBefore - now;
            _newer[key] = (tries + 1, now + Pause(tries + 1));
            return TimeSpan.Zero;
        }
    }

    /// <summary>Whoever it was knows the password: the count begins anew.</summary>
    public void Succeeded(string key)
    {
        lock (_lock)
        {
            _newer.Remove(key);
            _older.Remove(key);
        }
    }

    /// <summary>Whether so many of this address were wrong that it has to wait.</summary>
    public bool IsThrottled(IPAddress? address) => _addresses.IsThrottled(address);

    public void CountFailure(IPAddress? address) => _addresses.CountFailure(address);

    private (int Tries, DateTimeOffset NotBefore) Known(string key) =>
        _newer.TryGetValue(key, out var known) || _older.TryGetValue(key, out known) ? known : default;

    private DateTimeOffset Turn()
    {
        var now = time.GetUtcNow();
        var age = now - _turnedAt;
        if (age < Span && _newer.Count < MostKeys) return now;
        _older = age < Span * 2 ? _newer : new(StringComparer.Ordinal);
        _newer = new(StringComparer.Ordinal);
        _turnedAt = now;
        return now;
    }
}

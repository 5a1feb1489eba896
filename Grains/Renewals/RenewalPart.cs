using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Renewals;

namespace FleetMdm.Grains.Renewals;

// An identity certificate is renewed by InstallProfile of the enrolment profile. Each look at a renewal, in this order:
//
//   1. over          the enrolment has ended, or speaks with another certificate: the row goes
//   2. waits         the command is queued: it waits, however often the iPad puts it off. Waiting for long is a problem that is shown
//   3. ended         the command has ended, and the iPad still speaks with the old certificate: a failure; the next try comes later each time
//   4. time          not due yet
//   5. possible      else the reason is shown, and it is looked at again
//   6. start         a command, named by the iPad, its certificate and the number of the try: the same try is never queued twice
//
// The old certificate goes on until the new one has spoken: see EnrolmentPart.

/// <summary>What the part decides by.</summary>
/// <param name="Row">The enrolment; null: never seen.</param>
/// <param name="Pins">Those that speak, newest first.</param>
/// <param name="Renewal">As it stands.</param>
/// <param name="Standing">What is known of the newest pin's certificate.</param>
/// <param name="Queued">The command of this renewal, if it is queued.</param>
/// <param name="LastSeen">When the iPad last came.</param>
/// <param name="Asked">A person wants it now.</param>
internal sealed record RenewalState(
    DeviceRow? Row, IReadOnlyList<Pin> Pins, RenewalRow Renewal, CertificateStanding Standing, QueuedRow? Queued, DateTimeOffset? LastSeen,
    bool Asked = false);

/// <param name="Step">What it comes to.</param>
/// <param name="Row">As it shall be; null: it goes. Of a start, to be written when the command is queued.</param>
internal sealed record RenewalDecision(RenewalStep Step, RenewalRow? Row);

/// <summary>The rules of renewal: pure functions of what is known.</summary>
internal static class RenewalPart
{
    /// <summary>After so many failures a person should look; the tries go on.</summary>
    public const int ManyFailures = 3;

    /// <summary>A command that waits for longer than a school week, with the weekend.</summary>
    public static readonly TimeSpan LongWait = TimeSpan.FromDays(9);

    /// <summary>How often a command that waits is looked at. What the iPad answers counts at once.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromDays(1);

    /// <summary>From the iPad's Acknowledged to its first word with the new certificate; a real one needs seconds.</summary>
    public static readonly TimeSpan SettleFor = TimeSpan.FromHours(1);

    /// <summary>What cannot be done now: a person may have mended it.</summary>
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromDays(1);

    /// <summary>A certificate that lives for less than three times <see cref="RenewalOptions.DaysBefore"/> is renewed when a third of its life is left.</summary>
    private const int LeastShare = 3;

    /// <summary>After the first, second … failure.</summary>
    private static readonly TimeSpan[] RetryAfter =
        [TimeSpan.FromHours(1), TimeSpan.FromHours(6), TimeSpan.FromDays(1), TimeSpan.FromDays(3), TimeSpan.FromDays(7), TimeSpan.FromDays(14), TimeSpan.FromDays(30)];

    /// <summary>A pause is never longer than this part of the time that is left, so that the tries grow denser towards the end; nor is it cut below a day.</summary>
    private const int PauseOfWhatIsLeft = 4;

    /// <summary>The profile cannot be made before a person has mended something.</summary>
    private static readonly TimeSpan AddressRetryAfter = TimeSpan.FromDays(7);

    /// <summary>The row of a certificate that ends soon. When it is due is told by the iPad's id: those that end on one day are spread.</summary>
    public static RenewalRow Plan(EndingIdentity identity, RenewalOptions options)
    {
        var before = TimeSpan.FromDays(options.DaysBefore);
        if (identity.IssuedAt is { } issued && (identity.NotAfter - issued) / LeastShare is var share && share < before) before = share;
        var spread = TimeSpan.FromDays(options.SpreadDays);
        if (spread > before / 2) spread = before / 2;
        return new RenewalRow
        {
            DeviceId = identity.DeviceId,
            Sha256 = identity.Sha256,
            NotAfter = identity.NotAfter,
            NextAt = identity.NotAfter - before + (spread * ShareOf(identity.DeviceId)),
        };
    }

    /// <summary>The row of a certificate whose CA was replaced: over <see cref="RenewalOptions.SpreadDays"/> from then on, unless it ends earlier.</summary>
    public static RenewalRow PlanMove(EndingIdentity identity, DateTimeOffset replacedAt, RenewalOptions options)
    {
        var ending = Plan(identity, options);
        var move = replacedAt + (TimeSpan.FromDays(options.SpreadDays) * ShareOf(identity.DeviceId));
        return move < ending.NextAt ? ending with { NextAt = move } : ending;
    }

    public static RenewalDecision Look(RenewalState state, DateTimeOffset now)
    {
        var renewal = state.Renewal;

        // 1
        if (state.Row is not { Status: EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled } row || state.Pins.Count == 0
            || !state.Pins[0].Sha256.AsSpan().SequenceEqual(renewal.Sha256))
            return new RenewalDecision(RenewalStep.Nothing, null);

        // 2
        if (state.Queued is { } queued)
        {
            var waiting = renewal with { CommandUuid = queued.CommandUuid, NextAt = now + LookEvery };
            return new RenewalDecision(RenewalStep.Waiting, now - queued.AcceptedAt < LongWait
                ? waiting
                : waiting with { Problem = RenewalProblem.Silent, Detail = WhyItWaits(queued, row, state.LastSeen) });
        }

        // 3
        if (renewal.CommandUuid is not null)
            renewal = Failed(renewal, "The command has ended, and the iPad still uses the old certificate.", now);

        // 4
        if (!state.Asked && renewal.NextAt > now) return new RenewalDecision(RenewalStep.NotDue, renewal);

        // 5
        if (WhyNot(row, state.Standing) is var problem and not RenewalProblem.None)
            return new RenewalDecision(RenewalStep.Impossible, renewal with { Problem = problem, Detail = null, NextAt = now + LookAgainAfter });

        // 6
        return new RenewalDecision(RenewalStep.Started, renewal with
        {
            CommandUuid = CommandOf(renewal),
            StartedAt = now,
            NextAt = now + LookEvery,
            Problem = renewal.Failures >= ManyFailures ? renewal.Problem : RenewalProblem.None,
        });
    }

    /// <summary>The iPad has installed the profile. It is not over before it speaks with the new certificate.</summary>
    public static RenewalRow Acknowledged(RenewalRow renewal, DateTimeOffset now) => renewal with { NextAt = now + SettleFor };

    /// <summary>The command has ended without a renewal.</summary>
    public static RenewalRow Failed(RenewalRow renewal, string? why, DateTimeOffset now)
    {
        var failures = renewal.Failures + 1;
        return renewal with
        {
            CommandUuid = null,
            Failures = failures,
            NextAt = now + PauseAfter(failures, renewal.NotAfter - now),
            Problem = failures >= ManyFailures ? RenewalProblem.RepeatedErrors : RenewalProblem.None,
            Detail = why,
        };
    }

    /// <param name="left">Until the certificate ends.</param>
    private static TimeSpan PauseAfter(int failures, TimeSpan left)
    {
        var pause = RetryAfter[Math.Min(failures, RetryAfter.Length) - 1];
        var longest = left / PauseOfWhatIsLeft is var part && part > TimeSpan.FromDays(1) ? part : TimeSpan.FromDays(1);
        return left > TimeSpan.Zero && pause > longest ? longest : pause;
    }

    /// <summary>The profile could not be made. Each try is a command that ends; so they are rare.</summary>
    public static RenewalRow AddressUnknown(RenewalRow renewal, DateTimeOffset now) => renewal with
    {
        CommandUuid = null,
        Failures = renewal.Failures + 1,
        NextAt = now + AddressRetryAfter,
        Problem = RenewalProblem.UnknownAddress,
        Detail = null,
    };

    /// <summary>The same for the same try, whoever starts it: a UUID of version 8 (RFC 9562).</summary>
    public static string CommandOf(RenewalRow renewal)
    {
        var hash = SHA256.HashData(
            [.. Encoding.UTF8.GetBytes(renewal.DeviceId), 0, .. renewal.Sha256, .. BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(renewal.Failures))]);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true).ToString("D").ToUpperInvariant();
    }

    private static RenewalProblem WhyNot(DeviceRow row, CertificateStanding standing) =>
        row.Kind != EnrolmentKind.Device ? RenewalProblem.OtherKind
        : standing.Issued is null ? RenewalProblem.NotIssuedHere
        : standing.Invitation?.CertificatesWithdrawnAt is not null ? RenewalProblem.Withdrawn
        : row.Status != EnrolmentStatus.Enrolled || row.Topic is null ? RenewalProblem.NotEnrolled
        : RenewalProblem.None;

    private static string WhyItWaits(QueuedRow queued, DeviceRow row, DateTimeOffset? lastSeen)
    {
        if (queued.NotNowAt is { } putOff && !(lastSeen > putOff + LongWait))
            return string.Create(CultureInfo.InvariantCulture, $"The iPad has put it off {queued.NotNowCount} times, last on {putOff:yyyy-MM-dd}: it is locked or busy.");
        var seen = lastSeen is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"It was last seen on {at:yyyy-MM-dd}.")
            : "It has not been seen yet.";
        return row.PushTokenDead is { } dead ? $"Its push token is dead ({dead}), so it cannot be woken. {seen}" : $"The iPad does not carry it out. {seen}";
    }

    /// <summary>Between 0 and 1, the same for the same iPad each time.</summary>
    private static double ShareOf(string deviceId) =>
        BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(deviceId))) / (double)uint.MaxValue;
}

using System.Security.Cryptography;
using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

// A message that is signed, and did not come by the iPad's own TLS connection, can be sent again by whoever has recorded it. What has been taken is
// remembered, so that its repetition does nothing:
//
//   Authenticate       the enrolment goes on as it is. After the enrolment has ended, it is refused: an iPad that left has no certificate any more
//   TokenUpdate        the newer push token stays. When APNs has called that one dead, or the enrolment begins, there is nothing to lose: it is taken
//   CheckOut           a certificate that had checked out does not end what was enrolled with it since
//   SetBootstrapToken  the newer token stays
//
// Nobody is refused who was not refused before, except after the end: an iPad that did not get its answer, or was restored from its backup, is
// answered 200 and goes on with TokenUpdate. What comes by TLS is remembered too, and never taken for a repetition.

/// <summary>What an enrolment remembers of the messages that it has taken: pure.</summary>
internal static class ReplayPart
{
    public const string Authenticate = "Authenticate";
    public const string TokenUpdate = "TokenUpdate";
    public const string CheckOut = "CheckOut";
    public const string SetBootstrapToken = "SetBootstrapToken";

    /// <summary>Of each kind. An iPad has a handful of push tokens in its life; an entry has 16 bytes.</summary>
    public const int Most = 16;

    private const int Entry = 16;

    private static readonly string[] Kinds = [Authenticate, TokenUpdate, CheckOut, SetBootstrapToken];

    /// <summary>Whether this very message was taken before, and anybody may have sent it now.</summary>
    public static bool IsReplay(DeviceRow? row, string kind, PresentedCertificate certificate) =>
        certificate.BySignature && Knows(row, kind, certificate);

    /// <summary>Whether it was taken before, however it came. True for one that cannot be told from others.</summary>
    public static bool Knows(DeviceRow? row, string kind, PresentedCertificate certificate) =>
        EntryOf(kind, certificate) is not { } entry || (row?.TakenMessages is { } taken && Find(taken, entry) >= 0);

    /// <summary>The row that remembers it, as the newest.</summary>
    public static DeviceRow Remember(DeviceRow row, string kind, PresentedCertificate certificate)
    {
        if (EntryOf(kind, certificate) is not { } entry) return row;
        var all = (row.TakenMessages ?? []).Chunk(Entry).Where(other => other.Length == Entry && !other.AsSpan().SequenceEqual(entry)).ToList();
        var same = all.Where(other => other[0] == entry[0]).ToList();
        if (same.Count >= Most) all.Remove(same[0]);
        return row with { TakenMessages = [.. all.SelectMany(other => other), .. entry] };
    }

    private static int Find(byte[] taken, byte[] entry)
    {
        for (var at = 0; at + Entry <= taken.Length; at += Entry)
        {
            if (taken.AsSpan(at, Entry).SequenceEqual(entry)) return at;
        }

        return -1;
    }

    /// <summary>The kind, and a digest of who signed what; null: it is not known what was signed.</summary>
    private static byte[]? EntryOf(string kind, PresentedCertificate certificate)
    {
        if (certificate.Signed is not { } signed) return null;
        var hash = SHA256.HashData([.. Encoding.ASCII.GetBytes(kind), 0, .. certificate.Sha256, .. signed]);
        return [(byte)(Array.IndexOf(Kinds, kind) + 1), .. hash.AsSpan(0, Entry - 1)];
    }
}

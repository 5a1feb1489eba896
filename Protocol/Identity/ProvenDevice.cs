using System.Formats.Asn1;
using FleetMdm.Protocol.Mdm;

namespace FleetMdm.Protocol.Identity;

/// <summary>The iPad that a device certificate of Apple's spoke for. What that is worth, docs/security.md says.</summary>
/// <param name="Udid">In its one spelling (<see cref="EnrolmentId.Device"/>), of letters, digits and hyphens.</param>
/// <param name="SerialNumber">Upper-case letters and digits.</param>
public sealed record ProvenDevice(string Udid, string SerialNumber)
{
    /// <summary>Apple's have 25 or 40 characters.</summary>
    private const int LongestUdid = 40;

    /// <summary>Apple's have 8 to 14. Together with the longest UDID it fits into a challenge.</summary>
    private const int LongestSerialNumber = 20;

    /// <summary>Null: no iPad has such a UDID, or such a serial number.</summary>
    public static ProvenDevice? Of(string? udid, string? serialNumber)
    {
        if (EnrolmentId.Device(udid) is not { Length: <= LongestUdid } id || !id.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')) return null;
        if (serialNumber is not { Length: > 0 and <= LongestSerialNumber } || !serialNumber.All(char.IsAsciiLetterOrDigit)) return null;
        return new ProvenDevice(id, serialNumber.ToUpperInvariant());
    }

    internal byte[] Encode()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, Udid);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, SerialNumber);
        }

        return writer.Encode();
    }

    internal static ProvenDevice? Read(AsnReader reader)
    {
        var parts = reader.ReadSequence();
        return Of(parts.ReadCharacterString(UniversalTagNumber.UTF8String), parts.ReadCharacterString(UniversalTagNumber.UTF8String));
    }
}

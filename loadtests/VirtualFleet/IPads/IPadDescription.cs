using System.Globalization;
using System.Security.Cryptography;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>What is printed on an iPad's box, and what it runs.</summary>
public sealed record IPadDescription
{
    /// <summary>Upper case, eight and sixteen hexadecimal digits, as on every iPad since 2018.</summary>
    public required string Udid { get; init; }
    public required string SerialNumber { get; init; }
    public string Name { get; init; } = "iPad";
    public string ProductName { get; init; } = "iPad13,18";
    public string ModelName { get; init; } = "iPad";
    public string ModelNumber { get; init; } = "MPQ03LL/A";
    public string OsVersion { get; init; } = "18.3";
    /// <summary>Where none is said, one of that iPadOS.</summary>
    public string BuildVersion { get => field ?? BuildOf(OsVersion); init; }
    public bool Supervised { get; init; } = true;
    /// <summary>Whether a passcode is set; one that is has to be entered after a restart before most commands can run.</summary>
    public bool PasscodeSet { get; init; }
    /// <summary>A Shared iPad has a channel for each user that logs in.</summary>
    public bool Shared { get; init; }
    /// <summary>It has a modem.</summary>
    public bool Cellular { get; init; }
    /// <summary>Enrolled as Automated Device Enrolment does it: it waits in Setup Assistant until it is told to go on.</summary>
    public bool Automated { get; init; }
    /// <summary>What its storage holds, in gigabytes.</summary>
    public double CapacityGigabytes { get; init; } = 64;
    /// <summary>Null: some share of the capacity, always the same for the same iPad.</summary>
    public double? AvailableGigabytes { get; init; }
    /// <summary>From 0 to 1. Null: anything from a fifth on, always the same for the same iPad.</summary>
    public double? BatteryLevel { get; init; }

    /// <summary>Builds of iPadOS 18 begin with 22, and those of iPadOS 26, the next one, with 23.</summary>
    private static string BuildOf(string osVersion)
    {
        var major = Version.TryParse(osVersion, out var version) ? version.Major : 18;
        return string.Create(CultureInfo.InvariantCulture, $"{(major < 19 ? major + 4 : major - 3)}D60");
    }

    /// <summary>The nth iPad of a delivery: its identifiers are those of its number, its name too.</summary>
    public static IPadDescription Number(int number)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(BitConverter.GetBytes(number), hash);
        return new IPadDescription
        {
            Udid = $"00008101-{Convert.ToHexString(hash[..8])}",
            SerialNumber = $"DMP{number:D7}VF",
            Name = $"iPad {number}",
        };
    }
}

using System.Globalization;
using System.Security.Cryptography;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.Silo.Demo;

/// <summary>What an iPad of the demo does, so that there is something to see.</summary>
internal enum DemoPart
{
    /// <summary>Answers as it should.</summary>
    Answers,
    /// <summary>Lies in a cupboard: pushes do not wake it, its commands wait.</summary>
    Sleeps,
    /// <summary>Nobody unlocks it for the whole story: it says NotNow.</summary>
    SaysNotNow,
    /// <summary>Cannot install profiles, and reports Apple's errors.</summary>
    Fails,
}

/// <summary>One of the demo's iPads.</summary>
/// <param name="School">Its number among <see cref="DemoFleet.Schools"/>.</param>
internal sealed record DemoIPad(IPadDescription Description, int School, DemoPart Part);

/// <summary>
/// The demo's district: some schools, classes, and iPads of several generations. The nth iPad is the same in each run.
/// </summary>
internal static class DemoFleet
{
    /// <summary>One of so many sleeps, one says NotNow, one fails.</summary>
    private const int OneOf = 20;

    private const int Sleeper = 4, Failing = 5, Busy = 6;

    private const int IPadsInAClass = 28;
    private const int Grades = 9;

    public static readonly IReadOnlyList<(string Code, string Name)> Schools =
    [
        ("NS", "North School"), ("LS", "Lake School"), ("HS", "Harbour School"), ("FS", "Forest School"), ("MS", "Mill School"),
    ];

    /// <summary>Models that schools have, with the identifiers that iPadOS reports for them.</summary>
    /// <param name="UdidPrefix">Names the processor; null on those from before 2018, whose UDID is forty digits.</param>
    /// <param name="Last">The newest iPadOS that Apple offers for it.</param>
    /// <param name="Share">How many of a hundred iPads are of this model.</param>
    private sealed record Model(
        string ProductName, string ModelName, string ModelNumber, string? UdidPrefix, int First, int Last, int Gigabytes, int Share);

    private static readonly Model[] Models =
    [
        new("iPad5,3", "iPad Air 2", "MGKL2LL/A", null, 15, 15, 64, 4),
        new("iPad6,11", "iPad (5th generation)", "MP2F2LL/A", null, 15, 16, 32, 6),
        new("iPad7,5", "iPad (6th generation)", "MR7F2LL/A", null, 15, 17, 32, 10),
        new("iPad7,11", "iPad (7th generation)", "MW742LL/A", null, 16, 18, 32, 12),
        new("iPad11,6", "iPad (8th generation)", "MYL92LL/A", "00008020", 17, 26, 32, 16),
        new("iPad12,1", "iPad (9th generation)", "MK2K3LL/A", "00008030", 17, 26, 64, 22),
        new("iPad13,18", "iPad (10th generation)", "MPQ03LL/A", "00008101", 17, 26, 64, 14),
        new("iPad14,1", "iPad mini (6th generation)", "MK7M3LL/A", "00008110", 17, 26, 64, 4),
        new("iPad13,16", "iPad Air (5th generation)", "MM9C3LL/A", "00008103", 18, 26, 64, 6),
        new("iPad13,4", "iPad Pro 11-inch (3rd generation)", "MHQR3LL/A", "00008103", 18, 26, 128, 2),
        new("iPad15,7", "iPad (A16)", "MD3Y4LL/A", "00008120", 18, 26, 128, 4),
    ];

    private static readonly (int Major, string Version, string Build)[] Releases =
    [
        (15, "15.8.3", "19H386"), (16, "16.7.10", "20H350"), (17, "17.7.2", "21H221"), (18, "18.6.2", "22G100"), (26, "26.1", "23B85"),
    ];

    /// <summary>What an iPad reports that cannot join the network of a profile.</summary>
    public static readonly IReadOnlyList<AppleError> InstallationFailed =
    [
        new("MCInstallationErrorDomain", 4001, "The profile “School Wi-Fi and help” could not be installed."),
        new("MCWiFiErrorDomain", 13000, "The Wi-Fi network “FleetMdm Demo School” could not be installed."),
    ];

    /// <param name="number">From 0.</param>
    public static DemoIPad Number(int number)
    {
        Span<byte> chance = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(BitConverter.GetBytes(number), chance);
        var model = ModelAt(chance[0] * 100 / 256);
        var releases = Releases.Where(release => release.Major >= model.First && release.Major <= model.Last).ToArray();
        // Half of them are up to date, as far as they can be.
        var release = chance[1] < 128 ? releases[^1] : releases[chance[2] % releases.Length];
        var school = number % Schools.Count;
        var identity = Convert.ToHexString(SHA256.HashData([.. chance, 1]));
        var description = new IPadDescription
        {
            Udid = model.UdidPrefix is { } chip ? $"{chip}-{identity[..16]}" : identity[..40].ToLowerInvariant(),
            SerialNumber = string.Create(CultureInfo.InvariantCulture, $"DMP{number + 1:D7}VF"),
            Name = NameOf(school, number / Schools.Count),
            ProductName = model.ProductName,
            ModelName = model.ModelName,
            ModelNumber = model.ModelNumber,
            OsVersion = release.Version,
            BuildVersion = release.Build,
            Supervised = chance[3] % 5 != 0,
            CapacityGigabytes = model.Gigabytes,
            // One of ten is all but full.
            AvailableGigabytes = Math.Round(chance[4] % 10 == 0 ? 0.2 + chance[5] / 150.0 : model.Gigabytes * (0.1 + chance[5] / 400.0), 2),
            BatteryLevel = Math.Round(0.04 + chance[6] * 0.96 / 255, 2),
        };
        return new DemoIPad(description, school, PartOf(number));
    }

    private static DemoPart PartOf(int number) => (number % OneOf) switch
    {
        Sleeper => DemoPart.Sleeps,
        Failing => DemoPart.Fails,
        Busy => DemoPart.SaysNotNow,
        _ => DemoPart.Answers,
    };

    /// <summary>School, class and number: NS-7B-014.</summary>
    private static string NameOf(int school, int numberInSchool)
    {
        var @class = numberInSchool / IPadsInAClass;
        var (grade, letter) = (1 + (6 + @class) % Grades, (char)('A' + @class / Grades));
        return string.Create(CultureInfo.InvariantCulture, $"{Schools[school].Code}-{grade}{letter}-{1 + numberInSchool % IPadsInAClass:D3}");
    }

    private static Model ModelAt(int share)
    {
        foreach (var model in Models)
        {
            share -= model.Share;
            if (share < 0)
                return model;
        }
        return Models[^1];
    }
}

using System.Globalization;
using System.Text.RegularExpressions;
using FleetMdm.Protocol.Mdm;

namespace FleetMdm.Protocol.Attestation;

/// <summary>Which iPads can attest: those with iPadOS 16 or later and an A11, or any M chip, or later (Apple, ACME certificate payload).</summary>
public static partial class AttestationSupport
{
    private const int FirstRelease = 16;

    /// <summary>The first number of a build of iPadOS 16 is 20.</summary>
    private const int FirstBuild = 20;

    /// <summary>iPad8,1 is the first iPad with a chip later than the A10X. No iPad has an A11.</summary>
    private const int FirstModel = 8;

    /// <summary>A sentence on why this iPad cannot attest; null: it can, as far as is known.</summary>
    /// <param name="productName">As in <c>iPad13,18</c>.</param>
    /// <param name="osVersion">As in <c>17.5</c>; null: only the build is known.</param>
    /// <param name="build">As in <c>21F79</c>.</param>
    public static string? WhyNot(string? productName, string? osVersion, string? build)
    {
        if (Number(Model(), productName) is not { } model) return "The server does not know which model this iPad is.";
        if (model < FirstModel) return $"Its model, {productName}, cannot attest: it takes a chip that is later than the A10X.";
        return IPadOsVersion.Compare(osVersion, FirstRelease.ToString(CultureInfo.InvariantCulture)) is { } difference
            ? difference < 0 ? $"It has iPadOS {osVersion}, and attestation came with iPadOS {FirstRelease}." : null
            : Number(Build(), build) switch
            {
                null => "The server does not know which iPadOS it has.",
                < FirstBuild => $"It has an iPadOS that is older than {FirstRelease} (build {build}).",
                _ => null,
            };
    }

    private static int? Number(Regex form, string? text) =>
        text is not null && form.Match(text) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^iPad([0-9]{1,3}),[0-9]{1,3}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Model();

    [GeneratedRegex(@"^([0-9]{1,3})[A-Z][0-9]{1,6}[a-z]?\z", RegexOptions.NonBacktracking)]
    private static partial Regex Build();
}

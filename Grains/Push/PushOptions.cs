using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Grains.Outside;
using FleetMdm.Protocol.Push;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Push;

/// <summary>Section <c>Push</c>.</summary>
public sealed class PushOptions
{
    public const string Section = "Push";

    /// <summary>Where APNs is. Apple also listens on port 2197, for networks that treat 443 differently.</summary>
    public string Endpoint { get; set; } = "https://api.push.apple.com:443";

    /// <summary>A PEM file with the only roots that the endpoint's certificate may come from, instead of the system's: for a
    /// proxy that looks into TLS, or a test server. Null: the system's roots.</summary>
    public string? TrustedRootFile { get; set; }

    /// <summary>An HTTP proxy, as in <c>http://user:password@proxy.example:3128</c>. Null: none.</summary>
    public string? Proxy { get; set; }

    /// <summary>How many connections a node keeps to APNs. One carries thousands of pushes a second; more are for several
    /// processor cores, and for one that breaks.</summary>
    public int Connections { get; set; } = 2;

    /// <summary>How many requests may be under way on one connection at most. The sender finds by itself how many APNs takes.</summary>
    public int MaxInFlightPerConnection { get; set; } = 500;

    /// <summary>After how many seconds without an answer a request is given up and sent again. APNs takes a fraction of one.</summary>
    public int AnswerSeconds { get; set; } = 10;

    /// <summary>How long APNs keeps a push for an iPad that is switched off.</summary>
    public int ExpirationHours { get; set; } = 24;

    /// <summary>How many iPads a core wakes in a second while it is half busy: each costs it 4 ms, most of it for a new TLS connection
    /// (docs/performance.md).</summary>
    private const int WokenByACore = 125;

    /// <summary>How many pushes a second a node sends at most for operations and sweeps, so that the iPads do not all come at
    /// once. Pushes for single commands go before them and are not held back. Null: 125 for each core of the node.</summary>
    public int? RatePerSecond { get; set; }

    internal int RateOn(int cores) => RatePerSecond ?? WokenByACore * cores;

    /// <summary>After how long without a word an iPad that has commands waiting is pushed to again.</summary>
    public int SweepSilentMinutes { get; set; } = 15;

    /// <summary>How long to wait before the same silent iPad is pushed to once more.</summary>
    public int SweepRepeatHours { get; set; } = 6;

    /// <summary>A PEM file with Apple's MDM vendor certificate of the district or its provider, its key, and Apple's certificates up to the root. With it the
    /// server signs requests for push certificates by itself. Null: a vendor has to sign them elsewhere.</summary>
    public string? VendorCertificateFile { get; set; }

    /// <summary>What signs requests; null without <see cref="VendorCertificateFile"/>.</summary>
    internal PushRequestSigner? LoadVendor() =>
        string.IsNullOrEmpty(VendorCertificateFile) ? null : PushRequestSigner.Read(File.ReadAllText(VendorCertificateFile));

    /// <summary>The roots in <see cref="TrustedRootFile"/>; null without it.</summary>
    internal X509Certificate2Collection? LoadTrustedRoots() => OutsideService.Roots(TrustedRootFile);
}

/// <summary>Says at start what is wrong in the section <c>Push</c>.</summary>
internal sealed class PushOptionsValidator : IValidateOptions<PushOptions>
{
    private const int MostConnections = 32;
    /// <summary>What Apple's servers were seen to allow is 1,500; beyond 1,000 nothing is gained.</summary>
    private const int MostInFlight = 1_000;
    private const int MostAnswerSeconds = 120;
    private const int MostExpirationHours = 30 * 24;
    private const int MostPerSecond = 1_000_000;
    private const int MostSilentMinutes = 7 * 24 * 60;

    public ValidateOptionsResult Validate(string? name, PushOptions options)
    {
        var problems = new List<string>();
        if (!Uri.TryCreate(options.Endpoint, UriKind.Absolute, out var endpoint) || endpoint.Scheme != Uri.UriSchemeHttps
            || endpoint.PathAndQuery != "/" || endpoint.UserInfo.Length > 0)
            problems.Add("Push:Endpoint must be an https URL without a path, as https://api.push.apple.com:443.");
        if (!string.IsNullOrEmpty(options.Proxy)
            && (!Uri.TryCreate(options.Proxy, UriKind.Absolute, out var proxy) || (proxy.Scheme != Uri.UriSchemeHttp && proxy.Scheme != Uri.UriSchemeHttps)))
            problems.Add("Push:Proxy must be an http or https URL, as http://proxy.example:3128.");
        Range(problems, "Connections", options.Connections, 1, MostConnections);
        Range(problems, "MaxInFlightPerConnection", options.MaxInFlightPerConnection, 1, MostInFlight);
        Range(problems, "AnswerSeconds", options.AnswerSeconds, 1, MostAnswerSeconds);
        Range(problems, "ExpirationHours", options.ExpirationHours, 1, MostExpirationHours);
        if (options.RatePerSecond is { } rate)
            Range(problems, "RatePerSecond", rate, 1, MostPerSecond);
        Range(problems, "SweepSilentMinutes", options.SweepSilentMinutes, 1, MostSilentMinutes);
        Range(problems, "SweepRepeatHours", options.SweepRepeatHours, 1, MostExpirationHours);
        CheckRoots(problems, options);
        CheckVendor(problems, options);
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static void Range(List<string> problems, string option, int value, int least, int most)
    {
        if (value < least || value > most)
            problems.Add($"Push:{option} must be between {least} and {most}, not {value}.");
    }

    private static void CheckRoots(List<string> problems, PushOptions options)
    {
        try
        {
            if (options.LoadTrustedRoots() is { Count: 0 })
                problems.Add($"Push:TrustedRootFile names {options.TrustedRootFile}, which has no certificate in it.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"Push:TrustedRootFile names {options.TrustedRootFile}, which cannot be read: {e.Message}");
        }
        catch (CryptographicException)
        {
            problems.Add($"Push:TrustedRootFile names {options.TrustedRootFile}, which holds something that is not a PEM certificate.");
        }
    }

    private static void CheckVendor(List<string> problems, PushOptions options)
    {
        try
        {
            using var signer = options.LoadVendor();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"Push:VendorCertificateFile names {options.VendorCertificateFile}, which cannot be read: {e.Message}");
        }
        catch (PushCertificateException e)
        {
            problems.Add($"Push:VendorCertificateFile names {options.VendorCertificateFile}, which cannot be used: {e.Message}");
        }
    }
}

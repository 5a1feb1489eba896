using FleetMdm.Grains.Push;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Tests.Push;

public sealed class PushOptionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Without_configuration_pushes_go_to_apple() =>
        Assert.Equal("https://api.push.apple.com:443", Read<PushOptions>().Endpoint);

    [Theory]
    [InlineData(null, 1, 125)]
    [InlineData(null, 2, 250)]
    [InlineData(null, 8, 1_000)]
    [InlineData("5000", 2, 5_000)]
    public void Pushes_are_paced_by_the_cores_of_the_node_unless_told_otherwise(string? told, int cores, int rate) =>
        Assert.Equal(rate, (told is null ? Read<PushOptions>() : Read<PushOptions>(("Push:RatePerSecond", told))).RateOn(cores));

    [Theory]
    [InlineData("Push:Endpoint", "http://api.push.apple.com")]
    [InlineData("Push:Endpoint", "api.push.apple.com")]
    [InlineData("Push:Endpoint", "https://api.push.apple.com/3/device")]
    [InlineData("Push:Endpoint", "https://user@api.push.apple.com")]
    [InlineData("Push:Proxy", "proxy:3128")]
    [InlineData("Push:Connections", "0")]
    [InlineData("Push:MaxInFlightPerConnection", "1001")]
    [InlineData("Push:AnswerSeconds", "0")]
    [InlineData("Push:ExpirationHours", "721")]
    [InlineData("Push:RatePerSecond", "0")]
    [InlineData("Push:SweepSilentMinutes", "0")]
    [InlineData("Push:SweepRepeatHours", "-1")]
    [InlineData("Push:TrustedRootFile", "/there/is/no/such.pem")]
    [InlineData("Push:VendorCertificateFile", "/there/is/no/such.pem")]
    public void A_wrong_option_is_named(string option, string value) =>
        Assert.Contains(option, Assert.Throws<OptionsValidationException>(() => Read<PushOptions>((option, value))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void A_root_file_without_a_certificate_is_named(string content)
    {
        File.WriteAllText(_folder.File("root.pem"), content);

        var refused = Assert.Throws<OptionsValidationException>(() => Read<PushOptions>(("Push:TrustedRootFile", _folder.File("root.pem"))));

        Assert.Contains("Push:TrustedRootFile", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_root_file_and_a_proxy_are_taken()
    {
        using var authority = new ApnsAuthority();
        File.WriteAllText(_folder.File("root.pem"), authority.RootPem + "\n" + authority.RootPem);

        var options = Read<PushOptions>(("Push:TrustedRootFile", _folder.File("root.pem")), ("Push:Proxy", "http://me:secret@proxy.example:3128"));

        Assert.Equal(2, options.LoadTrustedRoots()!.Count);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("40000")]
    public void A_senseless_retention_is_named(string days) => Assert.Contains(
        "Retention:HistoryDays",
        Assert.Throws<OptionsValidationException>(() => Read<RetentionOptions>(("Retention:HistoryDays", days))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void History_is_kept_for_ninety_days() => Assert.Equal(90, Read<RetentionOptions>().HistoryDays);

    public void Dispose() => _folder.Dispose();

    private static T Read<T>(params (string Key, string? Value)[] settings) where T : class
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value)))
            .Build();
        using var services = new ServiceCollection().AddLogging().AddPush(configuration).AddSweeps(configuration).BuildServiceProvider();
        return services.GetRequiredService<IOptions<T>>().Value;
    }
}

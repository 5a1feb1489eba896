using FleetMdm.Api.Enrolment;
using FleetMdm.Grains.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Tests.Enrolment;

public sealed class EnrolmentOptionsTests
{
    [Theory]
    [InlineData("Scep:CertificateLifetimeDays", "29")]
    [InlineData("Scep:CertificateLifetimeDays", "3651")]
    [InlineData("Scep:ChallengeLifetimeMinutes", "0")]
    [InlineData("Ca:KeyType", "7")]
    [InlineData("Ca:Organization", " ")]
    [InlineData("Ca:Organization", "a name that is much too long for what has to fit into a certificate")]
    [InlineData("Ca:LifetimeYears", "0")]
    [InlineData("Ca:ServiceCertificateDays", "1")]
    public void A_wrong_option_is_refused_by_its_name(string name, string value)
    {
        var refusal = Assert.Throws<OptionsValidationException>(() => Read(name, value));
        Assert.Contains(name, refusal.Message);
    }

    [Theory]
    [InlineData("Ca:KeyType", "Rsa4096")]
    [InlineData("Scep:AllowLegacyAlgorithms", "true")]
    public void A_right_option_is_taken(string name, string value) => Read(name, value);

    private static void Read(string name, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(name, value)]).Build();
        using var services = new ServiceCollection().AddEnrolment(configuration).AddCertificateAuthority(configuration).BuildServiceProvider();
        _ = services.GetRequiredService<IOptions<ScepOptions>>().Value;
        _ = services.GetRequiredService<IOptions<CaOptions>>().Value;
    }
}

using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Catalogue;

/// <summary>What a viewer does not see of an answer, and what everybody sees.</summary>
public sealed class SecretAnswerTests
{
    [Theory]
    [InlineData("AuthToken")]
    [InlineData("Token")]
    [InlineData("PSK")]
    [InlineData("Credential")]
    [InlineData("credentials")]
    [InlineData("AccessKey")]
    [InlineData("BypassCode")]
    [InlineData("PushMagic")]
    [InlineData("UnlockToken")]
    [InlineData("ActivationLockBypassCode")]
    [InlineData("FDE_PersonalRecoveryKeyCMS")]
    [InlineData("EscrowKeybag")]
    [InlineData("EscrowedData")]
    // As in profiles: one rule for both
    [InlineData("smtp_password")]
    [InlineData("LicenceKey")]
    [InlineData("Challenge")]
    public void A_secret_is_hidden_by_its_key_and_as_the_value_of_a_pair(string key)
    {
        Assert.Equal(SecretAnswers.Hidden, Shown(new PlistDictionary { [key] = new PlistString("s3cret") }, key));
        Assert.Equal(SecretAnswers.Hidden, Shown(new PlistDictionary { ["Name"] = new PlistString(key), ["Value"] = new PlistString("s3cret") }, "Value"));
        Assert.Equal(SecretAnswers.Hidden, Shown(new PlistDictionary { ["Value"] = new PlistString("s3cret"), ["Key"] = new PlistString(key) }, "Value"));
    }

    [Fact]
    public void The_content_of_a_payload_is_hidden_and_what_a_list_says_of_it_is_not()
    {
        Assert.True(SecretAnswers.Has(new PlistDictionary { ["PayloadContent"] = new PlistData([1, 2]) }));
        Assert.False(SecretAnswers.Has(new PlistDictionary
        {
            ["PayloadContent"] = new PlistArray { new PlistDictionary { ["PayloadIdentifier"] = new PlistString("a.b") } },
        }));
    }

    [Fact]
    public void What_looks_like_a_secret_is_hidden_under_any_name()
    {
        var answer = new PlistDictionary { ["Configuration"] = new PlistDictionary { ["server"] = new PlistString("https://ada:s3cret@school.example/"), ["note"] = new PlistString("Bearer s3cret") } };
        Assert.True(SecretAnswers.Has(answer));
        var shown = (PlistDictionary)((PlistDictionary)SecretAnswers.Hide(answer))["Configuration"];
        Assert.Equal(("https://(hidden)@school.example/", SecretAnswers.Hidden), (shown.GetString("server"), shown.GetString("note")));
    }

    [Theory]
    [InlineData("PasscodePresent")]
    [InlineData("SerialNumber")]
    [InlineData("DeviceName")]
    [InlineData("Model")]
    [InlineData("ShortVersion")]
    public void What_is_ordinary_is_shown(string name)
    {
        Assert.False(SecretAnswers.Has(new PlistDictionary { ["Name"] = new PlistString(name), ["Value"] = new PlistString("iPad"), [name] = new PlistString("iPad") }));
        Assert.False(SecretAnswers.Has(new PlistDictionary { ["Name"] = new PlistString("PSK"), ["Version"] = new PlistString("1") }));
    }

    private static string Shown(PlistDictionary answer, string key)
    {
        Assert.True(SecretAnswers.Has(answer));
        return ((PlistString)((PlistDictionary)SecretAnswers.Hide(answer))[key]).Value;
    }
}

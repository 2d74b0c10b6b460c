#include "base/secrets.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "job_log_lines.h"
#include "scheduler/job_log.h"
#include "scratch_folder.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

TEST(Secrets, LeaveNoCredentialOfAnyKind) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"SET s3_session_token='hush'", "SET s3_session_token='***'"},
      {"set S3_SESSION_TOKEN to 'hush';", "set S3_SESSION_TOKEN to '***';"},
      {"SET s3_secret_access_key = hush", "SET s3_secret_access_key = ***"},
      {"SET VARIABLE \"my password\" = 'hush'", "SET VARIABLE \"my password\" = '***'"},
      {"s3://b/x?s3_access_key_id=AK&s3_secret_access_key=hush%2F&a=1 'y'",
       "s3://b/x?s3_access_key_id=AK&s3_secret_access_key=***&a=1 'y'"},
      {"https://a.blob/x?sv=1&sig=hush%3D&se=2", "https://a.blob/x?sv=1&sig=***&se=2"},
      {"postgres://user:hush@host/db", "postgres://user:***@host/db"},
      {"mysql://user:hu/sh@host/db", "mysql://user:***@host/db"},
      {"'host=h password=hush dbname=d'", "'host=h password=*** dbname=d'"},
      {"'host=h password=''hu sh'' dbname=d'", "'host=h password=''***'' dbname=d'"},
      {"'host=h user=u passwd=hush'", "'host=h user=u passwd=***'"},
      {"AccountName=a;AccountKey=hush==;EndpointSuffix=x",
       "AccountName=a;AccountKey=***;EndpointSuffix=x"},
      {"(TYPE s3, KEY_ID 'AK', SECRET 'hush')", "(TYPE s3, KEY_ID 'AK', SECRET '***')"},
      {"(TYPE http, BEARER_TOKEN 'hu''sh', SCOPE 'x')",
       "(TYPE http, BEARER_TOKEN '***', SCOPE 'x')"},
      {"ATTACH 'f' (ENCRYPTION_KEY 'hush')", "ATTACH 'f' (ENCRYPTION_KEY '***')"},
      {"PRAGMA add_parquet_key('k', 'hush')", "PRAGMA add_parquet_key('***', '***')"},
      {"{\"token\": \"hush\", \"n\": 1}", "{\"token\": \"***\", \"n\": 1}"},
      {"\"{\\\"password\\\":\\\"hush\\\"}\"", "\"{\\\"password\\\":\\\"***\\\"}\""},
      {"{'client_secret': 'hush', 'a': 1}", "{'client_secret': '***', 'a': 1}"},
      {"Authorization: Bearer hush\nHost: h", "Authorization: ***\nHost: h"},
      {"sent Bearer hushhushhush to", "sent Bearer *** to"},
      {"SET s3_session_token='hush that is cut off", "SET s3_session_token='***"},
      {"SET s3_session_token=$$hu sh$$;", "SET s3_session_token=$$***$$;"},
      {"(TYPE s3, SECRET $q$hu'sh$q$, SCOPE 'x')", "(TYPE s3, SECRET $q$***$q$, SCOPE 'x')"},
      {"http://hush@host/x", "http://***@host/x"},
      {"https://host/x?a=1&auth=hush&b=2", "https://host/x?a=1&auth=***&b=2"},
      {"'https://host/x?key=hush' and", "'https://host/x?key=***' and"},
      {"https://host/x?code=hush&sas=hush%3D", "https://host/x?code=***&sas=***"},
      {"No key with name \"hush\" exists.", "No key with name \"***\" exists."},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(WithoutSecrets(text), expected);
    EXPECT_EQ(WithoutSecrets(expected), expected) << "twice is as good as once";
    EXPECT_EQ(WithoutSecrets("(" + text + ")").find("hush"), std::string::npos) << text;
    EXPECT_EQ(MaskSecrets(text).size(), text.size());
    EXPECT_EQ(MaskSecrets(text).find("hush"), std::string::npos) << text;
    EXPECT_EQ(Error(ErrorKind::kIo, text).what(), expected);
  }
}

TEST(Secrets, OfManyUrlsAreFoundInAMoment) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "https://h/x?key=k" + std::to_string(i) + ",";
  std::string hidden = WithoutSecrets(text);
  EXPECT_EQ(hidden.find("key=k"), std::string::npos);
  EXPECT_EQ(WithoutSecrets("https://h/x?a=1&amp;key='k1'"), "https://h/x?a=1&amp;key='***'");
}

TEST(Secrets, OtherTextsStayAsTheyAre) {
  for (const char* text :
       {"", "'", "password", "SELECT token FROM t WHERE tokens = 5", "no secret 'mine' exists",
        "Secret with name \"mine\" already exists", "password='', 'x'", "http://host:80/path",
        "s3://bucket/a@b", "s3://user@bucket/x", "https://host/a@b", "https://host/x?n=1&keys=2",
        "key=1 and code=2", "$1 and $2", "Did you mean \"token\"?", "a bearer of news",
        "secret: none", "Column signature: INTEGER", "ENCRYPTION_CONFIG {footer_key: 'name'}"}) {
    EXPECT_EQ(WithoutSecrets(text), text);
  }
}

TEST(Secrets, OfCreateSecretEveryStringIsOne) {
  EXPECT_EQ(MaskSecrets("CREATE OR REPLACE TEMP SECRET s (TYPE x, ODD 'hush'); SELECT 'a'"),
            "CREATE OR REPLACE TEMP SECRET s (TYPE x, ODD '****'); SELECT 'a'");
  EXPECT_EQ(MaskSecrets("CREATE SECRET s (TYPE x, ODD $$hu'sh$$, ODD $q$hush$q$); SELECT $$a$$"),
            "CREATE SECRET s (TYPE x, ODD $$*****$$, ODD $q$****$q$); SELECT $$a$$");
}

TEST(Secrets, AreFoundBesideComments) {
  for (const char* sql :
       {"CREATE OR REPLACE -- don't\n SECRET s (TYPE x, ODD 'hush')",
        "CREATE /* a /* b */ ' */ SECRET s (TYPE x, ODD 'hush')",
        "CREATE SECRET s (-- it's\n ODD 'hush')", "SET s3_session_token = /* of today */ 'hush'",
        "SELECT '--'; SET s3_session_token -- of today\n = 'hush'",
        "SELECT 1 -- password='hush'"}) {
    std::string masked = MaskSecrets(sql);
    EXPECT_EQ(masked.find("hush"), std::string::npos) << masked;
    EXPECT_EQ(masked.size(), std::string(sql).size());
  }
}

TEST(Secrets, OfMisspeltSettingsAreFound) {
  for (const char* sql : {"SET s3_session_tokn='hush'", "SET GLOBAL s3_secret_acess_key TO 'hush'",
                          "PRAGMA http_proxy_pasword='hush'"}) {
    EXPECT_EQ(MaskSecrets(sql).find("hush"), std::string::npos) << sql;
  }
  for (const char* sql : {"SET threads='4'", "SET s3_endpoint='a'", "SET VARIABLE total='a'"})
    EXPECT_EQ(MaskSecrets(sql), sql);
}

TEST(Secrets, OfAQueryAreLeftOutWhereAMessageRepeatsTheValueAlone) {
  EXPECT_EQ(WithoutSecretsOf("CREATE SECRET s (ODD 'hush')", "near \"'hush'\": hush"),
            "near \"'***'\": ***");
  EXPECT_EQ(WithoutSecretsOf("SELECT 'hush'", "hush"), "hush");
}

TEST(Secrets, AreNotLoggedByAJob) {
  ScratchFolder folder;
  JobLogLine line;
  line.event = "failed";
  line.message = "The worker was lost: https://u:hush@host";
  JobLog(folder.Path("events.jsonl")).Write(line);
  auto lines = JobLogLines(folder.Path("events.jsonl"));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("message"), "The worker was lost: https://u:***@host");
}

}  // namespace
}  // namespace smallpond
